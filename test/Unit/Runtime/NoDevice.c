/* NoDevice.c: a device that no machine has, for VariantsTest.cpp. */
#include "Device.h"

static MoptStatus no_open(MoptModel *model, const MoptModelOptions *options,
                          MoptRun *run) {
  (void)model, (void)options;
  return mopt_rt_error(run, MOPT_UNSUPPORTED, "no such device");
}

static void no_close(MoptModel *model) { (void)model; }

const MoptDeviceInterface mopt_test_no_device = {no_open, no_close, 0, 0, 0};

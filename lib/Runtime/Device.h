/* Device.h: what a device beside the processor does for a model whose kernels
 * run there. The table is null in a library for processors, so that none of
 * this becomes part of it. */
#ifndef MOPT_RUNTIME_DEVICE_H
#define MOPT_RUNTIME_DEVICE_H

#include "Model.h"

struct MoptDeviceInterface {
  /// Finds the device that `options` ask for, loads the code and uploads the
  /// weights: `model->device`. Without a device that can run it
  /// MOPT_UNSUPPORTED with a sentence in `run`.
  MoptStatus (*open)(MoptModel *model, const MoptModelOptions *options,
                     MoptRun *run);
  /// A model that was not opened is allowed.
  void (*close)(MoptModel *model);
  /// Memory of the device for the arena, the inputs and the outputs.
  MoptStatus (*context_create)(MoptContext *context);
  void (*context_destroy)(MoptContext *context);
  /// From `context->inputs` to the caller's `outputs`, in the host's memory or
  /// the device's, and to `context->outputs` where they have no buffer.
  /// `stream` is the caller's, or null for one that is waited for.
  MoptStatus (*run)(MoptContext *context, const MoptTensor *outputs,
                    void *stream);
};

#endif

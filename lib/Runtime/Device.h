/* Device.h: what a device beside the processor does for a model whose kernels
 * run there. The table is null in a library for processors, so that none of
 * this becomes part of it. */
#ifndef MOPT_RUNTIME_DEVICE_H
#define MOPT_RUNTIME_DEVICE_H

#include "Model.h"

struct MoptDeviceInterface {
  /// Finds a device, loads the code and uploads the weights: `model->device`.
  /// Without a device MOPT_UNSUPPORTED with a sentence in `run`.
  MoptStatus (*open)(MoptModel *model, MoptRun *run);
  /// A model that was not opened is allowed.
  void (*close)(MoptModel *model);
  /// Memory of the device for the arena, the inputs and the outputs.
  MoptStatus (*context_create)(MoptContext *context);
  void (*context_destroy)(MoptContext *context);
  /// From `context->inputs` to `context->outputs`, both in the host's memory.
  MoptStatus (*run)(MoptContext *context);
};

#endif

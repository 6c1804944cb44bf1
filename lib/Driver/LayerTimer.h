//===- LayerTimer.h - a small compiled model, timed -------------*- C++ -*-===//

#ifndef MOPT_DRIVER_LAYERTIMER_H
#define MOPT_DRIVER_LAYERTIMER_H

#include "mopt-c/Model.h"

#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <vector>

namespace mopt {

/// A library with one model of static shapes, loaded into this process, and
/// inputs for it: floats from 0.25 to 1, bytes of any value, all made from one
/// seed.
class LayerTimer {
public:
  /// The error says why this machine cannot load or run it.
  static llvm::Expected<std::unique_ptr<LayerTimer>> load(const char *path);
  ~LayerTimer();

  /// Microseconds of one run on one thread, after reading `others`: what the
  /// model's other layers read between two runs of this one.
  llvm::Expected<double> time(llvm::ArrayRef<char> others);

private:
  LayerTimer() = default;
  llvm::Error create();
  void fillInputs();

  llvm::sys::DynamicLibrary library;
  const MoptModelApi *api = nullptr;
  MoptModel *model = nullptr;
  MoptContext *context = nullptr;
  std::vector<std::vector<char>> values;
  std::vector<MoptTensor> inputs, outputs;
};
} // namespace mopt

#endif // MOPT_DRIVER_LAYERTIMER_H

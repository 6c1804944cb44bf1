//===- CalibratedLayers.h - what a calibration speaks of --------*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_CALIBRATEDLAYERS_H
#define MOPT_TRANSFORMS_CALIBRATEDLAYERS_H

#include "mopt/Support/ConstantTensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mopt {
/// A product of f32 with constant, finite weights in the body of the entry,
/// whose input is observed and quantized.
struct CalibratedLayer {
  mlir::Operation *op;
  /// Its ONNX nodes, with a number where they make several products: the same
  /// in every compilation of a model.
  std::string key;
  ConstantTensor weights;
  /// Dimensions of the weights that sums run along.
  llvm::SmallVector<int64_t> depthAxes;
  /// The dimension of the input that its channels run along.
  int64_t channelAxis;

  mlir::Value getInput() const { return op->getOperand(0); }
  int64_t getDepth() const;
};

/// The function that has `mopt.entry`, null if none.
mlir::func::FuncOp findEntry(mlir::ModuleOp module);

/// In their order in the function. At level graph, before anything is
/// quantized.
std::vector<CalibratedLayer> findCalibratedLayers(mlir::func::FuncOp entry);

/// SHA-256, in hexadecimal, of the keys and weights: which model it is.
std::string hashLayers(llvm::ArrayRef<CalibratedLayer> layers);
} // namespace mopt

#endif // MOPT_TRANSFORMS_CALIBRATEDLAYERS_H

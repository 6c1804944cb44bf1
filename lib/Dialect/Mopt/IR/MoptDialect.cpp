// The mopt dialect: registration, attributes and generated code.
#include "mopt/Dialect/Mopt/IR/Attention.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mopt;

#include "mopt/Dialect/Mopt/IR/MoptDialect.cpp.inc"
#include "mopt/Dialect/Mopt/IR/MoptEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "mopt/Dialect/Mopt/IR/MoptAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "mopt/Dialect/Mopt/IR/MoptOps.cpp.inc"

void MoptDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "mopt/Dialect/Mopt/IR/MoptAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mopt/Dialect/Mopt/IR/MoptOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mopt/Dialect/Mopt/IR/MoptAttentionOps.cpp.inc"
      >();
}

TargetAttr TargetAttr::lookup(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto target = op->getAttrOfType<TargetAttr>(kModuleAttr))
      return target;
  return {};
}

bool TargetAttr::hasFeature(StringRef feature) const {
  SmallVector<StringRef> features;
  getFeatures().split(features, ',');
  return llvm::is_contained(features, ("+" + feature).str());
}

//===- Mopt.h - the mopt dialect --------------------------------*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPT_H
#define MOPT_DIALECT_MOPT_IR_MOPT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "mopt/Dialect/Mopt/IR/MoptDialect.h.inc"
#include "mopt/Dialect/Mopt/IR/MoptEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "mopt/Dialect/Mopt/IR/MoptAttrs.h.inc"
#include "mopt/Dialect/Mopt/IR/AnchorInterface.h"

namespace mopt {
/// Marks an op whose every result element is a function of the operand
/// elements at the same position, static dimensions of 1 broadcast.
template <typename ConcreteOp>
class Elementwise
    : public mlir::OpTrait::TraitBase<ConcreteOp, Elementwise> {};
} // namespace mopt

#define GET_OP_CLASSES
#include "mopt/Dialect/Mopt/IR/MoptOps.h.inc"

#endif // MOPT_DIALECT_MOPT_IR_MOPT_H

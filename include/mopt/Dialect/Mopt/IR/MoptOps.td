//===- MoptOps.td - all ops of the mopt dialect -------------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTOPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTOPS_TD

include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mopt/Dialect/Mopt/IR/MoptAnchorOps.td"
include "mopt/Dialect/Mopt/IR/MoptAttrs.td"
include "mopt/Dialect/Mopt/IR/MoptBlockWeights.td"
include "mopt/Dialect/Mopt/IR/MoptContractionOps.td"
include "mopt/Dialect/Mopt/IR/MoptDataMovementOps.td"
include "mopt/Dialect/Mopt/IR/MoptElementwiseOps.td"
include "mopt/Dialect/Mopt/IR/MoptQuantizationOps.td"
include "mopt/Dialect/Mopt/IR/MoptReductionOps.td"
include "mopt/Dialect/Mopt/IR/MoptSelectionOps.td"
include "mopt/Dialect/Mopt/IR/MoptSparsityOps.td"
include "mopt/Dialect/Mopt/IR/MoptStructureOps.td"

#endif // MOPT_DIALECT_MOPT_IR_MOPTOPS_TD

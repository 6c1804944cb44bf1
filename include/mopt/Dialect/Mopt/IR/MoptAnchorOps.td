//===- MoptAnchorOps.td - ops that a backend expands --------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTANCHOROPS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTANCHOROPS_TD

include "mopt/Dialect/Mopt/IR/MoptDialect.td"

#endif // MOPT_DIALECT_MOPT_IR_MOPTANCHOROPS_TD

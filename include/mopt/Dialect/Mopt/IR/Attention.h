//===- Attention.h - products around a softmax ------------------*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_ATTENTION_H
#define MOPT_DIALECT_MOPT_IR_ATTENTION_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#define GET_OP_CLASSES
#include "mopt/Dialect/Mopt/IR/MoptAttentionOps.h.inc"

#endif // MOPT_DIALECT_MOPT_IR_ATTENTION_H

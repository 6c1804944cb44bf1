//===- MoptEnums.td - kinds of elementwise and reducing ops -*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTENUMS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTENUMS_TD

include "mopt/Dialect/Mopt/IR/MoptDialect.td"

class Mopt_Kind<string name, string summary, list<string> kinds>
    : I32Enum<name, summary, !foldl([]<I32EnumCase>, kinds, acc, kind,
        acc # [I32EnumCase<kind, !size(acc)>])> {
  let cppNamespace = "::mopt";
}

class Mopt_KindAttr<Mopt_Kind kind, string mnemonic>
    : EnumAttr<Mopt_Dialect, kind, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

// 'round' rounds half to even, as ONNX's Round does. 'not_' is logical on i1 and
// bitwise on integers. 'is_inf_pos' and 'is_inf_neg' see one sign only.
def Mopt_UnaryKind : Mopt_Kind<"UnaryKind", "elementwise function of one value", [
  "abs", "neg", "sign", "exp", "log", "sqrt", "reciprocal", "floor", "ceil",
  "round", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
  "asinh", "acosh", "atanh", "erf", "sigmoid", "not_", "is_nan", "is_inf",
  "is_inf_pos", "is_inf_neg"]>;
def Mopt_UnaryKindAttr : Mopt_KindAttr<Mopt_UnaryKind, "unary_kind">;

// 'min' and 'max' propagate NaN. 'mod' has the divisor's sign (Python), 'fmod'
// the dividend's (C). 'shl' and 'shr' by the width or more give 0, or the
// sign for signed 'shr'. Integer 'div' truncates; a zero divisor gives 0, never a
// trap.
def Mopt_BinaryKind : Mopt_Kind<"BinaryKind", "elementwise function of two values", [
  "add", "sub", "mul", "div", "pow", "max", "min", "mod", "fmod", "and_", "or_",
  "xor_", "shl", "shr"]>;
def Mopt_BinaryKindAttr : Mopt_KindAttr<Mopt_BinaryKind, "binary_kind">;

def Mopt_CompareKind : Mopt_Kind<"CompareKind", "ordered comparison; NaN is unequal to all", [
  "eq", "ne", "lt", "le", "gt", "ge"]>;
def Mopt_CompareKindAttr : Mopt_KindAttr<Mopt_CompareKind, "compare_kind">;

def Mopt_ReduceKind : Mopt_Kind<"ReduceKind", "associative reduction", [
  "sum", "prod", "max", "min", "and_", "or_"]>;
def Mopt_ReduceKindAttr : Mopt_KindAttr<Mopt_ReduceKind, "reduce_kind">;

// How a value that lies outside is made up.
def Mopt_PadMode : Mopt_Kind<"PadMode", "padding mode of ONNX Pad", [
  "constant", "reflect", "edge", "wrap"]>;
def Mopt_PadModeAttr : Mopt_KindAttr<Mopt_PadMode, "pad_mode">;

def Mopt_ScatterKind : Mopt_Kind<"ScatterKind", "how a scattered value meets the old one", [
  "none", "add", "mul", "max", "min"]>;
def Mopt_ScatterKindAttr : Mopt_KindAttr<Mopt_ScatterKind, "scatter_kind">;

def Mopt_PoolKind : Mopt_Kind<"PoolKind", "what a pooling window computes", [
  "max", "avg", "avg_include_pad", "lp_sum"]>;
def Mopt_PoolKindAttr : Mopt_KindAttr<Mopt_PoolKind, "pool_kind">;

// Where a sparse right side says which position along the depth a value has:
// a mask for each vector of columns or of bytes, an index for each lane or byte of
// one, or an index for each value, see MoptSparsityOps.td.
def Mopt_SparseForm : Mopt_Kind<"SparseForm", "form of packed sparse weights", [
  "masks", "lanes", "scalars", "bytes", "byte_lanes"]>;
def Mopt_SparseFormAttr : Mopt_KindAttr<Mopt_SparseForm, "sparse_form">;

#endif // MOPT_DIALECT_MOPT_IR_MOPTENUMS_TD

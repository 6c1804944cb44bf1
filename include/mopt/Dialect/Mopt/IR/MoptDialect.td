//===- MoptDialect.td ---------------------------------------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTDIALECT_TD
#define MOPT_DIALECT_MOPT_IR_MOPTDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Mopt_Dialect : Dialect {
  let name = "mopt";
  let cppNamespace = "::mopt";
  let summary = "tensor programs on values, and the anchors they become";
  let description = [{
    Ops on ranked tensors with value semantics. Signed integers are signless
    (`i8`), unsigned ones say so (`ui8`), booleans are `i1`. Any dimension may
    be dynamic; ranks are static. Sizes that are not known are `index` values,
    never shape tensors.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

/// An op that computes its result type, and its result's sizes as values.
class Mopt_Op<string mnemonic, list<Trait> traits = []>
    : Op<Mopt_Dialect, mnemonic, traits>;

class Mopt_InferredOp<string mnemonic, list<Trait> traits = []>
    : Mopt_Op<mnemonic, traits # [Pure, InferTypeOpAdaptorWithIsCompatible,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]>;

#endif // MOPT_DIALECT_MOPT_IR_MOPTDIALECT_TD

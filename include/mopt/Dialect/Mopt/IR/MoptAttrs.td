//===- MoptAttrs.td -----------------------------------------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTATTRS_TD
#define MOPT_DIALECT_MOPT_IR_MOPTATTRS_TD

include "mopt/Dialect/Mopt/IR/MoptDialect.td"

def Mopt_TargetAttr : AttrDef<Mopt_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "the machine that code is made for";
  let description = [{
    Put on the module as `mopt.target` by `mopt-assign-target`, from a target
    row; every later pass reads this attribute and nothing else, so a test can
    invent a machine.

    ```mlir
    #mopt.target<name = "x86-64-v3", triple = "x86_64-unknown-linux-gnu",
                 cpu = "x86-64-v3", features = "+avx2,+fma", vectorBits = 256,
                 vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
    ```
  }];
  let parameters = (ins StringRefParameter<"row name">:$name,
    StringRefParameter<"LLVM target triple">:$triple,
    StringRefParameter<"LLVM processor name">:$cpu,
    StringRefParameter<"LLVM feature string">:$features,
    "unsigned":$vectorBits, "unsigned":$vectorRegisters,
    "int64_t":$l1Bytes, "int64_t":$l2Bytes,
    StringRefParameter<"LLVM processor name to schedule for, if not cpu",
                       [{""}]>:$tune);
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    /// The name under which a module carries its target.
    static constexpr ::llvm::StringLiteral kModuleAttr = "mopt.target";
    /// The target of the module around `op`, or null.
    static TargetAttr lookup(::mlir::Operation *op);
    /// Is `feature` ("avx512f") switched on?
    bool hasFeature(::llvm::StringRef feature) const;
  }];
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTATTRS_TD

//===- ONNXDialect.td - the import dialect ------------------*- tablegen -*-===//
//
// Three generic ops hold any ONNX graph, of any operator set, as it was read.
// Meaning is given by convert-onnx-to-mopt alone.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_ONNX_IR_ONNXDIALECT_TD
#define MOPT_DIALECT_ONNX_IR_ONNXDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::mopt::onnx";
  let summary = "an ONNX graph as it was read";
  let description = [{
    One `onnx.node` per NodeProto, with its name in the location. The module
    carries `onnx.opsets`, a dictionary from domain (the default domain is
    `"ai.onnx"`) to version.
  }];
  let useDefaultTypePrinterParser = 1;
}

def ONNX_ValueType : TypeDef<ONNX_Dialect, "Value"> {
  let mnemonic = "value";
  let summary = "a value whose type the file does not state";
}

def ONNX_NoneType : TypeDef<ONNX_Dialect, "None"> {
  let mnemonic = "absent";
  let summary = "the type of an input that is left out";
}

def ONNX_StringType : TypeDef<ONNX_Dialect, "String"> {
  let mnemonic = "string";
  let summary = "the element type of a tensor of strings";
}

class ONNX_WrapperType<string name, string typeMnemonic, string text>
    : TypeDef<ONNX_Dialect, name> {
  let mnemonic = typeMnemonic;
  let summary = text;
  let parameters = (ins "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

def ONNX_SequenceType : ONNX_WrapperType<"Sequence", "sequence",
    "a list of values of one type">;
def ONNX_OptionalType : ONNX_WrapperType<"Optional", "optional",
    "a value or nothing">;
def ONNX_SparseType : ONNX_WrapperType<"Sparse", "sparse",
    "a sparse tensor; the parameter is its dense type">;

def ONNX_MapType : TypeDef<ONNX_Dialect, "Map"> {
  let mnemonic = "map";
  let summary = "a map from integers or strings to values";
  let parameters = (ins "::mlir::Type":$keyType, "::mlir::Type":$valueType);
  let assemblyFormat = "`<` $keyType `,` $valueType `>`";
}

def ONNX_NodeOp : Op<ONNX_Dialect, "node", []> {
  let summary = "one NodeProto";
  let description = [{
    `domain` is empty for the default domain. `node_attributes` holds the scalar,
    list, string and tensor attributes under their ONNX names; a graph
    attribute is a region, and `region_names` gives the attribute's name for
    each. Regions see the values around them, as ONNX subgraphs do. An input
    that is left out is an `onnx.none`, a result that is left out has type
    `!onnx.absent`. `opset` is the version of the operator set that the node
    belongs to, where that is not the one on the module.

    ```mlir
    %y = onnx.node "Softmax"(%x) {axis = 1 : si64}
        : (tensor<2x3xf32>) -> !onnx.value
    ```
  }];
  let arguments = (ins StrAttr:$op_type,
                       DefaultValuedStrAttr<StrAttr, "">:$domain,
                       DictionaryAttr:$node_attributes,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$region_names,
                       OptionalAttr<I64Attr>:$opset,
                       Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region VariadicRegion<AnyRegion>:$bodies);
  let builders = [
    OpBuilder<(ins "::mlir::TypeRange":$outputs, "::llvm::StringRef":$op_type,
                   "::mlir::ValueRange":$inputs,
                   CArg<"::llvm::ArrayRef<::mlir::NamedAttribute>",
                        "{}">:$attributes)>
  ];
  let extraClassDeclaration = [{
    /// The version of the operator set that the node belongs to: its own or
    /// the module's; 0 where neither says.
    int64_t getOpsetVersion();
  }];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def ONNX_NoneOp : Op<ONNX_Dialect, "none", [Pure]> {
  let summary = "an input that is left out";
  let description = [{
    ```mlir
    %none = onnx.none
    ```
  }];
  let results = (outs ONNX_NoneType:$result);
  let assemblyFormat = "attr-dict";
}

def ONNX_YieldOp : Op<ONNX_Dialect, "yield",
    [Pure, Terminator, ParentOneOf<["NodeOp"]>]> {
  let summary = "the outputs of a subgraph";
  let description = [{
    ```mlir
    onnx.yield %a, %b : !onnx.value, tensor<i64>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$outputs);
  let assemblyFormat = "($outputs^ `:` type($outputs))? attr-dict";
}

#endif // MOPT_DIALECT_ONNX_IR_ONNXDIALECT_TD

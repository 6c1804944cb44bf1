//===- MoptAnchorInterface.td - what all anchors share ------*- tablegen -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_MOPTANCHORINTERFACE_TD
#define MOPT_DIALECT_MOPT_IR_MOPTANCHORINTERFACE_TD

include "mlir/IR/OpBase.td"

def Mopt_AnchorOpInterface
    : OpInterface<"AnchorOpInterface"> {
  let cppNamespace = "::mopt";
  let description = [{
    A destination-style op with a reduction that a backend expands by hand and an elementwise
    epilogue. Its *output space* has one dimension per dimension of `init`, the
    last of which is cut into vectors; its *iteration domain* is that of the
    tiling interface and may be coarser (packed blocks instead of columns).
  }];
  let methods = [
    InterfaceMethod<"The epilogue.", "::mlir::Region &", "getEpilogue">,
    InterfaceMethod<"What the epilogue reads besides the accumulator.",
      "::mlir::OperandRange", "getEpilogueInputs">,
    InterfaceMethod<"One map per epilogue input, output space to operand.",
      "::mlir::ArrayAttr", "getEpilogueMapsAttr">,
    InterfaceMethod<"The destination.", "::mlir::Value", "getInit">,
    InterfaceMethod<"The chosen micro-kernel, or null.", "::mopt::ConfigAttr",
      "getConfigAttr">,
    InterfaceMethod<"Sets the micro-kernel.", "void", "setConfigAttr",
      (ins "::mopt::ConfigAttr":$config)>,
    InterfaceMethod<[{
        Output space to `init`: a permutation that keeps the last dimension.
      }], "::mlir::AffineMap", "getInitIndexingMap">,
    InterfaceMethod<"The operands that the reduction reads.",
      "::llvm::SmallVector<::mlir::Value>", "getReductionInputs">,
    InterfaceMethod<"The part of the output space that a tile writes.",
      "::mlir::LogicalResult", "getOutputTile",
      (ins "::mlir::OpBuilder &":$b,
           "::llvm::ArrayRef<::mlir::OpFoldResult>":$offsets,
           "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes,
           "::mopt::AnchorTile &":$tile)>,
    InterfaceMethod<"The part of each reduction input that a tile reads.",
      "::mlir::LogicalResult", "getReductionInputTiles",
      (ins "::mlir::OpBuilder &":$b,
           "::llvm::ArrayRef<::mlir::OpFoldResult>":$offsets,
           "::llvm::ArrayRef<::mlir::OpFoldResult>":$sizes,
           "::llvm::SmallVectorImpl<::mopt::AnchorTile> &":$tiles)>,
    InterfaceMethod<"The domain tile that writes a tile of the output space.",
      "::mlir::LogicalResult", "getDomainTile",
      (ins "::mlir::OpBuilder &":$b, "const ::mopt::AnchorTile &":$output,
           "::mopt::AnchorTile &":$domain)>,
  ];
  let extraSharedClassDeclaration = [{
    /// The maps of the epilogue inputs.
    ::llvm::SmallVector<::mlir::AffineMap> getEpilogueIndexingMaps() {
      ::llvm::SmallVector<::mlir::AffineMap> maps;
      for (::mlir::Attribute map : $_op.getEpilogueMapsAttr())
        maps.push_back(
            ::llvm::cast<::mlir::AffineMapAttr>(map).getValue());
      return maps;
    }
    /// Dimensions of the output space.
    int64_t getOutputRank() {
      return ::llvm::cast<::mlir::ShapedType>($_op.getInit().getType())
          .getRank();
    }
    /// The size of a dimension of the output space, as far as the type says.
    int64_t getOutputDimSize(int64_t dim) {
      auto type = ::llvm::cast<::mlir::ShapedType>($_op.getInit().getType());
      ::mlir::AffineMap map = $_op.getInitIndexingMap();
      return type.getDimSize(*map.getResultPosition(
          ::mlir::getAffineDimExpr(dim, map.getContext())));
    }
    /// The type in which the reduction sums.
    ::mlir::Type getAccumulatorType() {
      return $_op.getEpilogue().front().getArgument(0).getType();
    }
  }];
  let verifyWithRegions = 1;
  let verify = [{ return ::mopt::detail::verifyAnchor($_op); }];
}

#endif // MOPT_DIALECT_MOPT_IR_MOPTANCHORINTERFACE_TD

// Level in: kernels (mopt ops). Level out: structured (linalg on tensors of
// signless integers; booleans are bytes). Anchors are left alone.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"
#include "mopt/Conversion/Passes.h"
#include "mopt/Dialect/ONNX/IR/ONNX.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/ConstantTensor.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_CONVERTMOPTTOLINALG
#include "mopt/Conversion/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// Does `element` have 2 or 4 bits?
bool isNarrow(Type element) {
  unsigned width = element.getIntOrFloatBitWidth();
  return width > 1 && width < 8;
}

/// Elements of 2 or 4 bits as bytes. Resources hold several in a byte, from the
/// low bits up; dense attributes one.
ElementsAttr unpackElements(ElementsAttr elements, RankedTensorType type) {
  Type narrow = elements.getElementType();
  unsigned width = narrow.getIntOrFloatBitWidth(), perByte = 1;
  ArrayRef<char> bytes;
  bool isSplat = false;
  if (auto dense = dyn_cast<DenseElementsAttr>(elements)) {
    bytes = dense.getRawData();
    isSplat = dense.isSplat();
  } else if (AsmResourceBlob *blob = cast<DenseResourceElementsAttr>(elements)
                                         .getRawHandle()
                                         .getBlob()) {
    bytes = blob->getData();
    perByte = 8 / width;
  }
  std::optional<ConstantTensor> tensor = ConstantTensor::allocate(type);
  size_t count = isSplat ? 1 : type.getNumElements();
  if (!tensor || bytes.size() * perByte < count)
    return {};
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    size_t at = isSplat ? 0 : i;
    uint8_t byte = bytes[at / perByte];
    APInt value(width, byte >> (at % perByte * width), /*isSigned=*/false,
                /*implicitTrunc=*/true);
    tensor->setInt(i, narrow.isSignlessInteger() ? value.getSExtValue()
                                                 : value.getZExtValue());
  }
  return std::move(*tensor).toAttr("unpacked");
}

/// The same bytes under the stored type; booleans given as bits become bytes.
/// Null if the bytes are missing.
ElementsAttr convertElements(ElementsAttr elements, RankedTensorType type) {
  if (isNarrow(elements.getElementType()))
    return unpackElements(elements, type);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  auto dense = cast<DenseElementsAttr>(elements);
  if (!dense.getElementType().isInteger(1))
    return dense.bitcast(type.getElementType());
  if (dense.isSplat())
    return DenseElementsAttr::get(
        type, APInt(8, dense.getSplatValue<bool>() ? 1 : 0));
  SmallVector<APInt> bytes;
  for (bool bit : dense.getValues<bool>())
    bytes.push_back(APInt(8, bit ? 1 : 0));
  return DenseElementsAttr::get(type, bytes);
}

struct ConvertConstant : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    auto elements = dyn_cast<ElementsAttr>(op.getValue());
    if (elements)
      elements = convertElements(elements, type);
    if (!elements)
      return failure();
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type,
                                                   cast<TypedAttr>(elements));
    return success();
  }
};

struct ConvertFromElements : OpConversionPattern<tensor::FromElementsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tensor::FromElementsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type element = op.getType().getElementType();
    SmallVector<Value> stored;
    for (Value scalar : adaptor.getElements())
      stored.push_back(storeElement(rewriter, op.getLoc(), scalar, element));
    rewriter.replaceOpWithNewOp<tensor::FromElementsOp>(
        op, getTypeConverter()->convertType(op.getType()), stored);
    return success();
  }
};

struct ConvertExtract : OpConversionPattern<tensor::ExtractOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(tensor::ExtractOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type element = op.getTensor().getType().getElementType();
    if (element.isUnsignedInteger())
      return rewriter.notifyMatchFailure(op, "scalars are signless");
    Value stored = tensor::ExtractOp::create(
        rewriter, op.getLoc(), adaptor.getTensor(), adaptor.getIndices());
    rewriter.replaceOp(op, loadElement(rewriter, op.getLoc(), stored, element));
    return success();
  }
};

/// Ops that only pass tensors on: the same op on converted types.
struct ConvertTypes : ConversionPattern {
  ConvertTypes(TypeConverter &types, MLIRContext *ctx)
      : ConversionPattern(types, MatchAnyOpTypeTag(), /*benefit=*/0, ctx) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<tensor::TensorDialect, bufferization::BufferizationDialect>(
            op->getDialect()) ||
        op->getNumRegions() != 0)
      return failure();
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), types)))
      return failure();
    OperationState state(op->getLoc(), op->getName(), operands, types,
                         op->getDiscardableAttrDictionary().getValue());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

/// Notes on the entry what its caller sees before element types lose their
/// sign.
void recordSignature(func::FuncOp func) {
  Builder b(func.getContext());
  auto describe = [&](Type type, DictionaryAttr attrs) -> Attribute {
    NamedAttrList entry;
    auto get = [&](StringRef name) {
      return attrs ? attrs.get(name) : Attribute();
    };
    Attribute name = get(onnx::kNameAttr), dims = get(onnx::kDimsAttr);
    entry.set("name", name ? name : b.getStringAttr(""));
    entry.set("type", TypeAttr::get(type));
    if (dims)
      entry.set("dims", dims);
    return entry.getDictionary(func.getContext());
  };
  SmallVector<Attribute> inputs, outputs;
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    inputs.push_back(
        describe(func.getArgumentTypes()[i], func.getArgAttrDict(i)));
  for (unsigned i = 0; i < func.getNumResults(); ++i)
    outputs.push_back(
        describe(func.getResultTypes()[i], func.getResultAttrDict(i)));
  func->setAttr(kSignatureAttr,
                b.getDictionaryAttr(
                    {b.getNamedAttr("inputs", b.getArrayAttr(inputs)),
                     b.getNamedAttr("outputs", b.getArrayAttr(outputs))}));
}

struct ConvertMoptToLinalg
    : mopt::impl::ConvertMoptToLinalgBase<ConvertMoptToLinalg> {
  void runOnOperation() override {
    MLIRContext *ctx = &getContext();
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func->hasAttr(kEntryAttr))
        recordSignature(func);
    TypeConverter types;
    types.addConversion([](Type type) { return type; });
    types.addConversion([](RankedTensorType type) -> Type {
      return type.clone(getStoredElementType(type.getElementType()));
    });
    auto materialize = [](OpBuilder &b, Type type, ValueRange inputs,
                          Location loc) -> Value {
      return UnrealizedConversionCastOp::create(b, loc, type, inputs)
          .getResult(0);
    };
    types.addSourceMaterialization(materialize);
    types.addTargetMaterialization(materialize);

    RewritePatternSet patterns(ctx);
    populateContractionToLinalg(types, patterns);
    populateWinogradToLinalg(types, patterns);
    populateDataMovementToLinalg(types, patterns);
    populateDeterminantToLinalg(types, patterns);
    populateElementwiseToLinalg(types, patterns);
    populateGatherToLinalg(types, patterns);
    populateNonMaxSuppressionToLinalg(types, patterns);
    populateOrderedReductionToLinalg(types, patterns);
    populateReductionToLinalg(types, patterns);
    populateSamplingToLinalg(types, patterns);
    populateScatterToLinalg(types, patterns);
    populateSelectionToLinalg(types, patterns);
    populateSlicingToLinalg(types, patterns);
    populateTopKToLinalg(types, patterns);
    populateWindowToLinalg(types, patterns);
    patterns.add<ConvertConstant, ConvertFromElements, ConvertExtract,
                 ConvertTypes>(types, ctx);

    ConversionTarget target(*ctx);
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return types.isLegal(op); });
    target.addIllegalDialect<MoptDialect>();
    target.addLegalOp<YieldOp, ContractAnchorOp, ConvAnchorOp,
                      DepthwiseAnchorOp, SparseAnchorOp, PackColumnsOp>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp func) {
      return types.isSignatureLegal(func.getFunctionType());
    });
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   types);
    populateReturnOpTypeConversionPattern(patterns, types);
    populateCallOpTypeConversionPattern(patterns, types);
    scf::populateSCFStructuralTypeConversions(types, patterns);

    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

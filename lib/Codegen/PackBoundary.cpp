// Level in and out: structured. The entry's inputs and outputs of 2 or 4 bits
// become lists of bytes, as callers store them; inside each element is a byte.
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PACKBOUNDARY
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// Builds code on bytes that hold elements of `width` bits.
struct Packing {
  OpBuilder &b;
  Location loc;
  unsigned width;
  bool isUnsigned;

  int64_t perByte() const { return 8 / width; }
  int64_t countBytes(RankedTensorType type) const {
    return llvm::divideCeil(type.getNumElements(), perByte());
  }
  RankedTensorType list(int64_t size) const {
    return RankedTensorType::get(size, b.getI8Type());
  }
  Value index(int64_t value) const {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value byte(int64_t value) const {
    return arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(value));
  }

  /// A list whose element `i` is what `body` yields for it.
  Value generate(int64_t size, function_ref<Value(Value i)> body) const {
    Value init =
        tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{size}, b.getI8Type());
    return linalg::GenericOp::create(b, loc, init.getType(), ValueRange(), init,
                                     ArrayRef{b.getMultiDimIdentityMap(1)},
                                     ArrayRef{utils::IteratorType::parallel},
                                     [&](OpBuilder &, Location, ValueRange) {
                                       Value result = body(
                                           linalg::IndexOp::create(b, loc, 0));
                                       linalg::YieldOp::create(b, loc, result);
                                     })
        .getResult(0);
  }

  Value reshape(Value x, RankedTensorType type) const {
    if (x.getType() == type)
      return x;
    SmallVector<Value> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(index(size));
    Value shape = tensor::FromElementsOp::create(
        b, loc, RankedTensorType::get(type.getRank(), b.getIndexType()), sizes);
    return tensor::ReshapeOp::create(b, loc, type, x, shape);
  }

  Value unpack(Value packed, RankedTensorType type) const {
    Value flat = generate(type.getNumElements(), [&](Value i) -> Value {
      Value at = arith::DivUIOp::create(b, loc, i, index(perByte()));
      Value slot = arith::RemUIOp::create(b, loc, i, index(perByte()));
      Value x = tensor::ExtractOp::create(b, loc, packed, at);
      // To the top of the byte and back, which fills in the sign.
      Value low = arith::IndexCastOp::create(
          b, loc, b.getI8Type(),
          arith::MulIOp::create(b, loc, slot, index(width)));
      Value shift = arith::SubIOp::create(b, loc, byte(8 - width), low);
      x = arith::ShLIOp::create(b, loc, x, shift);
      if (isUnsigned)
        return arith::ShRUIOp::create(b, loc, x, byte(8 - width));
      return arith::ShRSIOp::create(b, loc, x, byte(8 - width));
    });
    return reshape(flat, type);
  }

  Value pack(Value x) const {
    auto type = cast<RankedTensorType>(x.getType());
    int64_t count = type.getNumElements();
    Value flat = reshape(x, list(count));
    return generate(countBytes(type), [&](Value i) {
      Value first = arith::MulIOp::create(b, loc, i, index(perByte()));
      Value result = byte(0);
      for (int64_t slot = 0; slot < perByte(); ++slot) {
        Value at = arith::AddIOp::create(b, loc, first, index(slot));
        // The last byte may have room left.
        Value isInside = arith::CmpIOp::create(
            b, loc, arith::CmpIPredicate::ult, at, index(count));
        at = arith::MinUIOp::create(b, loc, at, index(count - 1));
        Value element = tensor::ExtractOp::create(b, loc, flat, at);
        element =
            arith::AndIOp::create(b, loc, element, byte((1 << width) - 1));
        element = arith::ShLIOp::create(b, loc, element, byte(slot * width));
        element = arith::SelectOp::create(b, loc, isInside, element, byte(0));
        result = arith::OrIOp::create(b, loc, result, element);
      }
      return result;
    });
  }
};

struct PackBoundary : mopt::impl::PackBoundaryBase<PackBoundary> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func->hasAttr(kEntryAttr) && failed(packEntry(func)))
        return signalPassFailure();
  }

  /// The logical type of an input or output if it is packed, else null.
  static FailureOr<Type> getPackedType(func::FuncOp entry, Attribute spec) {
    auto dict = cast<DictionaryAttr>(spec);
    auto type = cast<RankedTensorType>(dict.getAs<TypeAttr>("type").getValue());
    Type element = type.getElementType();
    unsigned width =
        element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 0;
    if (width <= 1 || width >= 8)
      return Type();
    if (!type.hasStaticShape())
      return entry.emitError("'")
             << dict.getAs<StringAttr>("name").getValue() << "' of type "
             << type
             << " is not supported: elements of less than a byte need static "
                "sizes";
    return element;
  }

  static LogicalResult packEntry(func::FuncOp entry) {
    auto signature = entry->getAttrOfType<DictionaryAttr>(kSignatureAttr);
    if (!signature)
      return success();
    OpBuilder b(entry.getContext());
    Block &body = entry.getBody().front();
    for (auto [i, spec] :
         llvm::enumerate(signature.getAs<ArrayAttr>("inputs"))) {
      FailureOr<Type> element = getPackedType(entry, spec);
      if (failed(element))
        return failure();
      if (!*element)
        continue;
      BlockArgument argument = body.getArgument(i);
      auto type = cast<RankedTensorType>(argument.getType());
      b.setInsertionPointToStart(&body);
      Packing packing{b, argument.getLoc(), element->getIntOrFloatBitWidth(),
                      !element->isSignlessInteger()};
      argument.setType(packing.list(packing.countBytes(type)));
      Value unpacked = packing.unpack(argument, type);
      argument.replaceUsesWithIf(unpacked, [&](OpOperand &use) {
        auto generic = use.getOwner()->getParentOfType<linalg::GenericOp>();
        return !generic || generic.getOperation() != getSource(unpacked);
      });
    }
    auto ret = cast<func::ReturnOp>(body.getTerminator());
    for (auto [i, spec] :
         llvm::enumerate(signature.getAs<ArrayAttr>("outputs"))) {
      FailureOr<Type> element = getPackedType(entry, spec);
      if (failed(element))
        return failure();
      if (!*element)
        continue;
      b.setInsertionPoint(ret);
      Packing packing{b, ret.getLoc(), element->getIntOrFloatBitWidth(),
                      !element->isSignlessInteger()};
      ret.setOperand(i, packing.pack(ret.getOperand(i)));
    }
    entry.setFunctionType(
        b.getFunctionType(body.getArgumentTypes(), ret.getOperandTypes()));
    return success();
  }

  /// The op that unpacks, behind a change of shape.
  static Operation *getSource(Value unpacked) {
    Operation *def = unpacked.getDefiningOp();
    if (auto reshape = dyn_cast<tensor::ReshapeOp>(def))
      return reshape.getSource().getDefiningOp();
    return def;
  }
};
} // namespace

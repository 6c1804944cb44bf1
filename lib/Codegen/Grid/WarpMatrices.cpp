// Operands of products of a warp, see the header.
#include "WarpMatrices.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mopt;

Type WarpMatrices::getStructure(Type type, int64_t count) {
  return LLVM::LLVMStructType::getLiteral(g.b.getContext(),
                                          SmallVector<Type>(count, type));
}

SmallVector<Value> WarpMatrices::split(Value structure, int64_t count) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(g.b, g.loc, structure,
                                                  ArrayRef<int64_t>{i}));
  return values;
}

SmallVector<Value> WarpMatrices::load(Value place, int64_t offset,
                                      bool turned) {
  auto shape = NVVM::LdStMatrixShapeAttr::get(g.b.getContext(), 8, 8);
  Value loaded = NVVM::LdMatrixOp::create(
      g.b, g.loc, getStructure(g.b.getI32Type(), 4), s.getShared(place, offset),
      4, turned ? NVVM::MMALayout::col : NVVM::MMALayout::row, shape,
      NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> words = split(loaded, 4);
  // Instructions for f16 take vectors.
  if (element.isF16())
    for (Value &word : words)
      word = LLVM::BitcastOp::create(
          g.b, g.loc, VectorType::get(2, g.b.getF16Type()), word);
  return words;
}

SmallVector<Value> WarpMatrices::multiply(StringRef instruction, Type sum,
                                          int64_t count, ValueRange operands) {
  Value sums =
      LLVM::CallIntrinsicOp::create(g.b, g.loc, getStructure(sum, count),
                                    g.b.getStringAttr(instruction), operands)
          ->getResult(0);
  return split(sums, count);
}

// Places in shared memory, see the header.
#include "SharedBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mopt;

/// Address spaces.
static constexpr unsigned kGlobal = 1, kShared = 3;
/// Bytes that all banks of shared memory have in a row.
static constexpr int64_t kBanks = 128;

SharedBuilder::SharedBuilder(GridBuilder &g, gpu::GPUFuncOp function,
                             int64_t bytes)
    : WordBuilder(g.b, g.loc), g(g) {
  auto space = gpu::AddressSpaceAttr::get(g.b.getContext(),
                                          gpu::AddressSpace::Workgroup);
  unsigned number = function.getNumWorkgroupAttributions();
  Value buffer = function.addWorkgroupAttribution(
      MemRefType::get({bytes}, g.b.getI8Type(), MemRefLayoutAttrInterface(),
                      space),
      g.loc);
  function.setWorkgroupAttributionAttr(number, "llvm.align",
                                       g.b.getI64IntegerAttr(kBanks));
  shared = toPointer(getStart(buffer), kShared);
}

SharedBuilder::SharedBuilder(GridBuilder &g, Value address)
    : WordBuilder(g.b, g.loc), g(g) {
  shared = LLVM::IntToPtrOp::create(
      g.b, g.loc, LLVM::LLVMPointerType::get(g.b.getContext(), kShared),
      address);
}

Value SharedBuilder::toWord(Value index) {
  return g.b.createOrFold<arith::IndexCastUIOp>(g.loc, g.b.getI32Type(), index);
}

Value SharedBuilder::toIndex(Value word) {
  return g.b.createOrFold<arith::IndexCastUIOp>(g.loc, g.b.getIndexType(),
                                                word);
}

Value SharedBuilder::toPointer(Value address, unsigned space) {
  Value number =
      arith::IndexCastUIOp::create(g.b, g.loc, g.b.getI64Type(), address);
  return LLVM::IntToPtrOp::create(
      g.b, g.loc, LLVM::LLVMPointerType::get(g.b.getContext(), space), number);
}

Value SharedBuilder::getStart(Value buffer) {
  return memref::ExtractAlignedPointerAsIndexOp::create(g.b, g.loc, buffer);
}

Value SharedBuilder::getGlobal(Value start, Value place, int64_t bytes) {
  return toPointer(g.add(start, g.mul(place, bytes)), kGlobal);
}

Value SharedBuilder::getShared(Value place, int64_t offset) {
  Type i8 = g.b.getI8Type();
  Value at = LLVM::GEPOp::create(g.b, g.loc, shared.getType(), i8, shared,
                                 ArrayRef<LLVM::GEPArg>{place});
  if (offset == 0)
    return at;
  return LLVM::GEPOp::create(
      g.b, g.loc, shared.getType(), i8, at,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
}

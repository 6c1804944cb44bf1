// AMX: eight tiles of up to 16 rows of 64 bytes. Registers are numbered here,
// not by LLVM's allocator: a kernel needs no more than there are, and shapes
// that only run time knows would cost it a configuration per shape.
//
// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1,
// chapter 18.
#include "TileRegisters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mopt;

/// Where the configuration has its fields: the palette, then the bytes per row,
/// 16 bits each, then the rows, a byte each.
constexpr int64_t kPaletteByte = 0, kFirstRowBytes = 16, kFirstRows = 48;
/// XTILEDATA in XCR0.
constexpr int64_t kTileData = 18;

namespace {
class TileRegisters final : public MatrixUnit {
public:
  int64_t getRegisters() const override { return 8; }
  int64_t getRows() const override { return 16; }
  int64_t getRowBytes() const override { return 64; }
  int64_t getShapeBytes() const override { return 64; }
  int64_t getProcessorState() const override { return kTileData; }

  void configure(OpBuilder &b, Location loc, Value slot,
                 ArrayRef<MatrixShape> shapes) const override {
    Type byte = b.getI8Type();
    auto put = [&](Value value, int64_t position) {
      Value index = arith::ConstantIndexOp::create(b, loc, position);
      memref::StoreOp::create(b, loc, value, slot, index);
    };
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(value));
    };
    for (int64_t i = 0; i < getShapeBytes(); ++i)
      put(constant(i == kPaletteByte ? 1 : 0), i);
    for (auto [i, shape] : llvm::enumerate(shapes)) {
      // No row has more bytes than one byte can say.
      put(constant(shape.rowBytes), kFirstRowBytes + 2 * i);
      put(arith::IndexCastOp::create(b, loc, byte, shape.rows), kFirstRows + i);
    }
    call(b, loc, "llvm.x86.ldtilecfg",
         getPointer(b, loc, getAddress(b, loc, slot)));
  }

  void release(OpBuilder &b, Location loc) const override {
    call(b, loc, "llvm.x86.tilerelease", {});
  }

  void zero(OpBuilder &b, Location loc, int64_t target) const override {
    call(b, loc, "llvm.x86.tilezero", getNumber(b, loc, target));
  }

  void load(OpBuilder &b, Location loc, int64_t target, Value address,
            Value stride) const override {
    move(b, loc, "llvm.x86.tileloadd64", target, address, stride);
  }
  void store(OpBuilder &b, Location loc, int64_t source, Value address,
             Value stride) const override {
    move(b, loc, "llvm.x86.tilestored64", source, address, stride);
  }

  void multiply(OpBuilder &b, Location loc, StringRef instruction, int64_t sums,
                int64_t lhs, int64_t rhs) const override {
    call(b, loc, instruction,
         {getNumber(b, loc, sums), getNumber(b, loc, lhs),
          getNumber(b, loc, rhs)});
  }

private:
  static void call(OpBuilder &b, Location loc, StringRef intrinsic,
                   ValueRange operands) {
    LLVM::CallIntrinsicOp::create(b, loc, b.getStringAttr(intrinsic), operands);
  }

  static Value getNumber(OpBuilder &b, Location loc, int64_t number) {
    return LLVM::ConstantOp::create(b, loc, b.getI8Type(),
                                    b.getI8IntegerAttr(number));
  }

  static Value getAddress(OpBuilder &b, Location loc, Value memref) {
    return memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memref);
  }

  static Value getPointer(OpBuilder &b, Location loc, Value address) {
    Value bits = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
    return LLVM::IntToPtrOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext()), bits);
  }

  static void move(OpBuilder &b, Location loc, StringRef intrinsic,
                   int64_t number, Value address, Value stride) {
    Value bytes = arith::IndexCastOp::create(b, loc, b.getI64Type(), stride);
    call(b, loc, intrinsic,
         {getNumber(b, loc, number), getPointer(b, loc, address), bytes});
  }
};
} // namespace

const MatrixUnit &mopt::getTileRegisters() {
  static const TileRegisters unit;
  return unit;
}

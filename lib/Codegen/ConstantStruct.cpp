// Globals of C structs in the LLVM dialect.
#include "mopt/Codegen/ConstantStruct.h"

using namespace mlir;
using namespace mopt;

void ConstantStruct::addI32(int32_t value) {
  fields.push_back({b.getI32Type(), "", value});
}

void ConstantStruct::addI64(int64_t value) {
  fields.push_back({b.getI64Type(), "", value});
}

void ConstantStruct::addNull() {
  fields.push_back({LLVM::LLVMPointerType::get(b.getContext()), "", 0});
}

void ConstantStruct::addAddress(StringRef symbol) {
  fields.push_back(
      {LLVM::LLVMPointerType::get(b.getContext()), symbol.str(), 0});
}

void ConstantStruct::addExternal(StringRef symbol) {
  LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                         /*isConstant=*/true, LLVM::Linkage::External, symbol,
                         Attribute(), /*alignment=*/64);
  addAddress(symbol);
}

void ConstantStruct::addBytes(StringRef bytes) {
  if (bytes.empty())
    return addNull();
  std::string name = getGlobalName();
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
  auto global = LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true,
                                       LLVM::Linkage::Internal, name,
                                       b.getStringAttr(bytes),
                                       /*alignment=*/8);
  // Variants have bytes in common, such as the code of a device.
  global.setUnnamedAddr(LLVM::UnnamedAddr::Global);
  addAddress(name);
}

void ConstantStruct::addStorage(int64_t bytes) {
  std::string name = getGlobalName();
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes);
  auto global =
      LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/false,
                             LLVM::Linkage::Internal, name, Attribute(),
                             /*alignment=*/8);
  OpBuilder inner =
      OpBuilder::atBlockBegin(&global.getInitializerRegion().emplaceBlock());
  Value zero = LLVM::ZeroOp::create(inner, loc, type);
  LLVM::ReturnOp::create(inner, loc, zero);
  addAddress(name);
}

void ConstantStruct::emit(StringRef name) {
  SmallVector<Type> types;
  for (const Field &field : fields)
    types.push_back(field.type);
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  auto global =
      LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true,
                             LLVM::Linkage::Internal, name, Attribute(),
                             /*alignment=*/8);
  OpBuilder inner =
      OpBuilder::atBlockBegin(&global.getInitializerRegion().emplaceBlock());
  Value whole = LLVM::UndefOp::create(inner, loc, type);
  for (auto [i, field] : llvm::enumerate(fields)) {
    Value value;
    if (!field.symbol.empty())
      value = LLVM::AddressOfOp::create(inner, loc, field.type, field.symbol);
    else if (isa<LLVM::LLVMPointerType>(field.type))
      value = LLVM::ZeroOp::create(inner, loc, field.type);
    else
      value = LLVM::ConstantOp::create(
          inner, loc, field.type,
          inner.getIntegerAttr(field.type, field.number));
    whole = LLVM::InsertValueOp::create(inner, loc, whole, value,
                                        static_cast<int64_t>(i));
  }
  LLVM::ReturnOp::create(inner, loc, whole);
}

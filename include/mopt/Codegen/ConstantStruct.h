//===- ConstantStruct.h - constant data with pointers -----------*- C++ -*-===//

#ifndef MOPT_CODEGEN_CONSTANTSTRUCT_H
#define MOPT_CODEGEN_CONSTANTSTRUCT_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace mopt {
/// Builds a global of a C struct field by field. What pointers point to becomes
/// internal globals.
class ConstantStruct {
public:
  ConstantStruct(mlir::OpBuilder &b, mlir::Location loc, mlir::ModuleOp module)
      : b(b), loc(loc), module(module) {}

  void addI32(int32_t value);
  void addI64(int64_t value);
  void addNull();
  /// A pointer to constant bytes.
  void addBytes(llvm::StringRef bytes);
  /// A pointer to a constant array.
  template <typename T>
  void addArray(llvm::ArrayRef<T> values) {
    addBytes(llvm::StringRef(reinterpret_cast<const char *>(values.data()),
                             values.size() * sizeof(T)));
  }
  /// A pointer to a function or global of the module.
  void addAddress(llvm::StringRef symbol);
  /// A pointer to a symbol that is defined elsewhere.
  void addExternal(llvm::StringRef symbol);
  /// A pointer to zeroed, writable memory.
  void addStorage(int64_t bytes);

  /// Emits the struct as an internal constant.
  void emit(llvm::StringRef name);

private:
  struct Field {
    mlir::Type type;
    /// Empty for a number.
    std::string symbol;
    int64_t number = 0;
  };

  std::string getGlobalName() const {
    return "mopt_desc_" + std::to_string(fields.size());
  }

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::ModuleOp module;
  llvm::SmallVector<Field> fields;
};
} // namespace mopt

#endif // MOPT_CODEGEN_CONSTANTSTRUCT_H

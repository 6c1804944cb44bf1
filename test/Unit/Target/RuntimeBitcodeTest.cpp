//===- RuntimeBitcodeTest.cpp - The embedded runtime ----------------------===//
#include "mopt/Target/RuntimeBitcode.h"
#include "mopt/Target/TargetRegistry.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "gtest/gtest.h"

using namespace mopt;

namespace {

std::unique_ptr<llvm::Module> loadRuntime(const llvm::Triple &triple,
                                          llvm::LLVMContext &context) {
  llvm::StringRef bitcode = getRuntimeBitcode(triple);
  if (bitcode.empty())
    return nullptr;
  llvm::Expected<std::unique_ptr<llvm::Module>> module = llvm::parseBitcodeFile(
      llvm::MemoryBufferRef(bitcode, "runtime"), context);
  if (!module) {
    ADD_FAILURE() << llvm::toString(module.takeError());
    return nullptr;
  }
  return std::move(*module);
}

class RuntimeBitcode : public testing::TestWithParam<const char *> {};

TEST_P(RuntimeBitcode, CallsOnlyWhatLibrariesMayImport) {
  llvm::Triple triple(GetParam());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = loadRuntime(triple, context);
  if (!module)
    GTEST_SKIP() << "built without a runtime for " << GetParam();
  llvm::StringSet<> allowed;
  for (const SystemSymbolRow &row :
       getTargetBackend(triple)->getSystemSymbols()) {
    llvm::SmallVector<llvm::StringRef> names;
    llvm::StringRef(row.names).split(names, ' ');
    allowed.insert_range(names);
  }
  for (const llvm::Function &function : *module)
    if (function.isDeclaration() && !function.isIntrinsic())
      EXPECT_TRUE(allowed.contains(function.getName()))
          << function.getName().str();
}

TEST_P(RuntimeBitcode, HasNoProcessor) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module =
      loadRuntime(llvm::Triple(GetParam()), context);
  if (!module)
    GTEST_SKIP() << "built without a runtime for " << GetParam();
  for (const llvm::Function &function : *module)
    EXPECT_FALSE(function.hasFnAttribute("target-cpu") ||
                 function.hasFnAttribute("target-features"))
        << function.getName().str();
  for (const char *name : {"mopt_rt_api", "mopt_rt_create", "mopt_rt_alloc",
                           "mopt_rt_parallel_for", "__truncsfbf2"})
    EXPECT_TRUE(module->getFunction(name)) << name;
}

INSTANTIATE_TEST_SUITE_P(Architectures, RuntimeBitcode,
                         testing::Values("x86_64-unknown-linux-gnu",
                                         "aarch64-unknown-linux-gnu"));

TEST(RuntimeBitcodeOther, NoneForOtherSystems) {
  EXPECT_TRUE(
      getRuntimeBitcode(llvm::Triple("x86_64-pc-windows-msvc")).empty());
  EXPECT_TRUE(
      getRuntimeBitcode(llvm::Triple("riscv64-unknown-linux-gnu")).empty());
}

} // namespace

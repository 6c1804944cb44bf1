// LLD inside the process: no linker need be installed where mopt runs.
#include "mopt/Target/Emission.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

llvm::Error mopt::runLinker(llvm::ArrayRef<std::string> arguments) {
  // LLD keeps its state in globals.
  static std::mutex mutex;
  static bool broken = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (broken)
    return llvm::createStringError("the linker crashed before");
  llvm::SmallVector<const char *> pointers{"ld.lld"};
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream os(messages);
  lld::Result result = lld::lldMain(pointers, os, os,
                                    {{lld::Gnu, &lld::elf::link}});
  broken = !result.canRunAgain;
  if (result.retCode == 0)
    return llvm::Error::success();
  return llvm::createStringError("cannot link: " +
                                 llvm::StringRef(messages).trim().str());
}

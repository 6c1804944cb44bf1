// mopt-import-dump: imports ONNX files for the tests in this folder.
//   mopt-import-dump [--full] [--locations] MODEL...  prints the modules
//   mopt-import-dump --quiet MODEL...       prints a line on each
//   mopt-import-dump --expand MODEL...      with function bodies in place
//   mopt-import-dump --corrupt=N MODEL      imports N damaged copies
#include "mopt/Import/FunctionBodies.h"
#include "mopt/Import/ImportONNX.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <random>
#include <sys/resource.h>

namespace cl = llvm::cl;
static cl::list<std::string> paths(cl::Positional, cl::OneOrMore);
static cl::opt<bool> full("full", cl::desc("print resources too"));
static cl::opt<bool> locations("locations", cl::desc("print locations"));
static cl::opt<bool> quiet("quiet", cl::desc("print seconds and peak memory"));
static cl::opt<bool> memory("memory", cl::desc("import from memory"));
static cl::opt<bool> expand("expand", cl::desc("decompose operators"));
static cl::opt<unsigned> corrupt("corrupt", cl::desc("damaged copies"));

/// Counts errors and prints them in the form that mopt's tools use.
static void countErrors(mlir::MLIRContext &context, unsigned &errors,
                        bool print) {
  context.getDiagEngine().registerHandler([&errors, print](
                                              mlir::Diagnostic &diagnostic) {
    ++errors;
    if (print) {
      llvm::errs() << "error: ";
      if (auto name = mlir::dyn_cast<mlir::NameLoc>(diagnostic.getLocation()))
        llvm::errs() << name.getName().getValue() << ": ";
      llvm::errs() << diagnostic.str() << "\n";
    }
    return mlir::success();
  });
}

static mlir::OwningOpRef<mlir::ModuleOp> import(const std::string &path,
                                                mlir::MLIRContext &context) {
  if (!memory)
    return mopt::importONNX(path, &context);
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return {};
  llvm::StringRef bytes = (*buffer)->getBuffer();
  return mopt::importONNXBuffer({bytes.data(), bytes.size()}, &context);
}

static bool dump(const std::string &path) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  unsigned errors = 0;
  countErrors(context, errors, /*print=*/true);
  auto start = std::chrono::steady_clock::now();
  mlir::OwningOpRef<mlir::ModuleOp> module = import(path, context);
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  if (static_cast<bool>(module) != (errors == 0) || errors > 1)
    llvm::errs() << "error: " << errors << " diagnostics for "
                 << (module ? "a module\n" : "no module\n");
  if (!module)
    return false;
  if (expand) {
    llvm::SmallVector<mopt::onnx::NodeOp> nodes;
    module->walk([&](mopt::onnx::NodeOp node) { nodes.push_back(node); });
    mlir::OpBuilder builder(&context);
    for (mopt::onnx::NodeOp node : nodes)
      if (mopt::hasFunctionBody(node.getDomain(), node.getOpType(),
                                node.getOpsetVersion()) &&
          mlir::failed(mopt::expandFunctionBody(builder, node)))
        return false;
    if (mlir::failed(mlir::verify(*module)))
      return false;
  }
  if (quiet) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    unsigned ops = 0;
    module->walk([&](mlir::Operation *) { ++ops; });
    llvm::outs() << path << ": " << ops << " ops, "
                 << llvm::format("%.3f s, peak %ld MB\n", seconds.count(),
                                 usage.ru_maxrss / 1024);
    return true;
  }
  mlir::OpPrintingFlags flags;
  if (!full)
    flags.elideLargeElementsAttrs(20).elideLargeResourceString(8);
  if (locations)
    flags.enableDebugInfo(true, /*prettyForm=*/!full);
  module->print(llvm::outs(), flags);
  llvm::outs() << "\n";
  return true;
}

/// Damages a model in every way a disk or a fuzzer would. The process survives
/// and each copy gives a module or one error.
static bool dumpCorrupt(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return false;
  std::string original = (*buffer)->getBuffer().str();
  std::mt19937 random(1);
  unsigned imported = 0;
  for (unsigned i = 0; i < corrupt; ++i) {
    std::string bytes = original;
    switch (i % 4) {
    case 0:
      bytes.resize(random() % bytes.size());
      break;
    case 1:
      for (unsigned n = 1 + random() % 8; n; --n)
        bytes[random() % bytes.size()] = random();
      break;
    case 2: {
      size_t at = random() % bytes.size();
      bytes.erase(at, random() % 16);
      break;
    }
    default:
      bytes[random() % bytes.size()] ^= 1 << random() % 8;
    }
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    unsigned errors = 0;
    countErrors(context, errors, /*print=*/false);
    mlir::OwningOpRef<mlir::ModuleOp> module =
        mopt::importONNXBuffer({bytes.data(), bytes.size()}, &context);
    if ((module ? 0u : 1u) != errors) {
      llvm::errs() << "copy " << i << " gave " << errors << " errors\n";
      return false;
    }
    imported += static_cast<bool>(module);
  }
  llvm::outs() << imported << " of " << corrupt << " imported\n";
  return true;
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv);
  bool isGood = true;
  for (const std::string &path : paths)
    isGood &= corrupt ? dumpCorrupt(path) : dump(path);
  return isGood ? 0 : 1;
}

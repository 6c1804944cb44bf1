//===- mopt-run.cpp - Runs compiled models --------------------------------===//
//
// Needs no part of the compiler, so that it can be carried to other machines
// together with the libraries that it runs.
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "RunModel.h"
#include "mopt-c/Model.h"
#include <cstdio>
#include <new>

using namespace mopt_run;

int main(int argc, char **argv) {
  Options options;
  std::string error = parseOptions(argc, argv, options);
  if (!error.empty()) {
    fprintf(stderr, "mopt-run: %s; see mopt-run --help\n", error.c_str());
    return exitUsage;
  }
  if (options.help) {
    fputs(helpText(), stdout);
    return exitOk;
  }
  if (options.version) {
    printf("mopt %s, LLVM %s, model ABI %d\n", MOPT_VERSION, MOPT_LLVM_VERSION,
           MOPT_MODEL_ABI_VERSION);
    return exitOk;
  }
  try {
    return runModel(options);
  } catch (const std::bad_alloc &) {
    fprintf(stderr, "mopt-run: %s: not enough memory\n", options.model.c_str());
    return exitBadInput;
  }
}

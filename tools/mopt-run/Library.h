//===- Library.h - A compiled model, loaded ---------------------*- C++ -*-===//
#ifndef MOPT_TOOLS_MOPT_RUN_LIBRARY_H
#define MOPT_TOOLS_MOPT_RUN_LIBRARY_H

#include "Array.h"
#include "Options.h"

namespace mopt_run {

/// A library with one model and one context of it. The functions return an exit
/// code and set `error`.
class Library {
public:
  Library() = default;
  Library(const Library &) = delete;
  ~Library();

  /// Loads `path` and finds the model's table.
  ExitCode load(const std::string &path, const std::string &entry);
  /// Makes model and context.
  ExitCode create(const Options &options);
  /// Runs once. Outputs are in the context's memory.
  ExitCode run(const std::vector<MoptTensor> &inputs,
               std::vector<MoptTensor> &outputs);

  /// What the runs so far have measured; empty where the library does not.
  std::vector<MoptKernelProfile> profile() const;

  /// The target whose code runs, "" where the library does not say.
  std::string target() const;

  const MoptModelApi *api = nullptr;
  MoptModel *model = nullptr;
  std::string error;

private:
  void *handle = nullptr;
  MoptContext *context = nullptr;
};

/// Compiles `options.model` with the mopt-compile beside this program, into a
/// temporary library that is deleted with this object.
class TemporaryLibrary {
public:
  TemporaryLibrary() = default;
  TemporaryLibrary(const TemporaryLibrary &) = delete;
  ~TemporaryLibrary();

  /// The exit code of mopt-compile, which has printed why it failed; with
  /// `error` set it could not be started.
  int compile(const Options &options);

  std::string path, error;

private:
  std::string folder;
};

} // namespace mopt_run

#endif

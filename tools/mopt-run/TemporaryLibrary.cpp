//===- TemporaryLibrary.cpp - Compiling a model to run it -----------------===//
#include "Library.h"
#include <cstdlib>
#include <cstring>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mopt_run;

extern char **environ;

/// The mopt-compile in the folder of this program.
static std::string findCompiler() {
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
  std::string program(path, length > 0 ? size_t(length) : 0);
  size_t slash = program.rfind('/');
  return slash == program.npos ? "mopt-compile"
                               : program.substr(0, slash + 1) + "mopt-compile";
}

TemporaryLibrary::~TemporaryLibrary() {
  if (folder.empty())
    return;
  unlink(path.c_str());
  rmdir(folder.c_str());
}

int TemporaryLibrary::compile(const Options &options) {
  const char *base = getenv("TMPDIR");
  folder = std::string(base && *base ? base : "/tmp") + "/mopt-run-XXXXXX";
  if (!mkdtemp(&folder[0])) {
    error = "cannot make the folder '" + folder + "': " + strerror(errno);
    folder.clear();
    return exitBadInput;
  }
  path = folder + "/model.so";
  std::vector<std::string> words = {findCompiler(), options.model, "-o", path};
  if (!options.entry.empty())
    words.push_back("--entry=" + options.entry);
  if (options.profile)
    words.push_back("--profile");
  words.insert(words.end(), options.compilerOptions.begin(),
               options.compilerOptions.end());
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(&word[0]);
  argv.push_back(nullptr);
  pid_t child;
  int failure =
      posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ);
  if (failure) {
    error = "cannot start '" + words[0] + "': " + strerror(failure);
    return exitBadInput;
  }
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : int(exitInternal);
}

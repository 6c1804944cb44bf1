// A crash ends the process with the exit code for internal errors and says
// where the reproducer lies. The handler allocates and prints IR, which a
// signal handler should not: the process is lost anyway, and a second signal
// ends it at once.
#include "CrashHandler.h"

#include "mopt/Driver/Compile.h"
#include "mopt/Support/Version.h"

#include "mlir/IR/AsmState.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <cstring>
#include <unistd.h>

using namespace mopt;

namespace {
struct CrashState {
  std::string command;
  std::string step = "start";
  mlir::Operation *module = nullptr;
};
} // namespace

// Per thread, since several compilations may run at once, and one may raise
// several modules. A crash on a thread that has none reports the main thread's.
static CrashState *mainState = nullptr;
static CrashState &getState() {
  static thread_local CrashState state;
  return state;
}

void mopt::noteCrashStep(llvm::StringRef step) {
  getState().step = step.str();
}
std::string mopt::getCrashStep() { return getState().step; }
void mopt::noteCrashModule(mlir::Operation *module) {
  getState().module = module;
}

static void say(llvm::StringRef text) {
  ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  (void)written;
}

static std::string writeReproducer(const CrashState &state, bool announce) {
  int descriptor;
  llvm::SmallString<128> path;
  if (llvm::sys::fs::createTemporaryFile("mopt-reproducer", "mlir", descriptor,
                                         path))
    return "";
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  const CrashState &started = mainState ? *mainState : state;
  os << "// mopt " MOPT_VERSION ", LLVM " LLVM_VERSION_STRING "\n// command: "
     << started.command << "\n// failed in: " << state.step << "\n";
  // Before printing, which may crash on a broken module.
  os.flush();
  if (announce)
    say("a reproducer is in '" + path.str().str() + "'\n");
  if (state.module) {
    mlir::OpPrintingFlags flags;
    flags.elideLargeElementsAttrs(64).elideLargeResourceString(256);
    flags.enableDebugInfo().assumeVerified();
    state.module->print(os, flags);
    os << "\n";
  }
  return path.str().str();
}

std::string mopt::writeReproducer() {
  return ::writeReproducer(getState(), /*announce=*/false);
}

static void handleSignal(int signal) {
  static volatile sig_atomic_t entered = 0;
  if (entered++) {
    say("\n(the reproducer is incomplete)\n");
    _exit(static_cast<int>(ExitCode::Internal));
  }
  CrashState &state = getState().module || !mainState ? getState() : *mainState;
  say("internal error: " + std::string(strsignal(signal)) + " in step '" +
      state.step + "'\n");
  ::writeReproducer(state, /*announce=*/true);
  _exit(static_cast<int>(ExitCode::Internal));
}

void mopt::installCrashHandler(llvm::ArrayRef<const char *> arguments) {
  mainState = &getState();
  mainState->command = "mopt-compile";
  for (const char *argument : arguments)
    mainState->command += std::string(" ") + argument;
  // A stack overflow leaves no room on the stack.
  static char stack[1 << 18];
  stack_t alternate = {};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof(stack);
  sigaltstack(&alternate, nullptr);
  struct sigaction action = {};
  action.sa_handler = handleSignal;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
    sigaction(signal, &action, nullptr);
}

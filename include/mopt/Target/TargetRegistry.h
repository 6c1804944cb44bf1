//===- TargetRegistry.h - finds machines and their backends -----*- C++ -*-===//

#ifndef MOPT_TARGET_TARGETREGISTRY_H
#define MOPT_TARGET_TARGETREGISTRY_H

#include "mopt/Target/TargetBackend.h"

#include "llvm/Support/Error.h"
#include <memory>

namespace llvm {
class raw_ostream;
class TargetMachine;
} // namespace llvm

namespace mopt {

/// Every backend.
llvm::ArrayRef<const TargetBackend *> getTargetBackends();

/// The backend for `triple`, or null.
const TargetBackend *getTargetBackend(const llvm::Triple &triple);

/// The machine that a row names; `native` is the row of the highest rank whose
/// features this machine has. The error lists the names.
llvm::Expected<TargetInfo> lookupTarget(llvm::StringRef name);

/// The row of the highest rank whose features are all among `features`, LLVM's
/// names, or null.
const TargetRow *findBestRow(const TargetBackend &backend,
                             const llvm::StringSet<> &features);

/// A machine that has no row, as `--triple --cpu --features` give it. `triple`
/// and `cpu` may be empty: this machine's triple, the plainest processor.
llvm::Expected<TargetInfo> describeTarget(llvm::StringRef triple,
                                          llvm::StringRef cpu,
                                          llvm::StringRef features);

/// The machine that every one of `target`'s architecture can stand in for.
TargetInfo getBaseline(const TargetInfo &target);

/// What a running library must ask the processor for: of `target`'s features
/// those that have a row. Empty for an architecture without backend.
llvm::SmallVector<const FeatureRow *>
getRequiredFeatures(const TargetInfo &target);

/// Is `target` a device beside a host?
bool isDevice(const TargetInfo &target);

/// LLVM's code generator for `target`. `optLevel` is 0 to 3.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetInfo &target, unsigned optLevel);

/// Every row as one JSON object.
void printTargets(llvm::raw_ostream &os);

} // namespace mopt

#endif // MOPT_TARGET_TARGETREGISTRY_H

//===- TargetBackend.h - what an architecture brings ------------*- C++ -*-===//
//
// One subclass per architecture, in lib/Target/<Arch>/, listed in
// TargetRegistry.cpp. Nothing else in the tree names an architecture.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_TARGET_TARGETBACKEND_H
#define MOPT_TARGET_TARGETBACKEND_H

#include "mopt/Target/TargetInfo.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"
#include <optional>

namespace llvm {
class Function;
} // namespace llvm

namespace mlir {
class Operation;
} // namespace mlir

namespace mopt {

/// On a `gpu.func`: the numbers of arguments that are maps of tensors, which
/// the device's copy engine reads; the launch has the buffers in their place.
inline constexpr llvm::StringLiteral kTensorMapsAttr = "mopt.tensor_maps";

/// Kernels for a device.
struct DeviceCode {
  /// What the device's driver compiles.
  std::string text;
  /// Machine code of the device; empty where the device's assembler is not
  /// installed.
  std::string image;
};

class TargetBackend {
public:
  virtual ~TargetBackend();

  /// Is code for `triple` this backend's?
  virtual bool handles(const llvm::Triple &triple) const = 0;
  /// The machines with a name.
  virtual llvm::ArrayRef<TargetRow> getRows() const = 0;
  /// How a library asks for the features that rows name.
  virtual llvm::ArrayRef<FeatureRow> getFeatures() const = 0;
  /// LLVM's name of the processor that every machine of the architecture can
  /// stand in for.
  virtual llvm::StringRef getBaselineCpu() const = 0;
  /// What a linked library may import.
  virtual llvm::ArrayRef<SystemSymbolRow> getSystemSymbols() const = 0;
  /// LLVM names of the features that this machine's processor and operating
  /// system offer; nothing when it is of another architecture.
  virtual std::optional<llvm::StringSet<>> getHostFeatures() const = 0;
  /// Vector width and register count from the features of a machine that has
  /// no row.
  virtual void deriveVectorShape(TargetInfo &target) const = 0;
  /// Puts the attributes on a function that make LLVM use `target` fully.
  virtual void tuneFunction(llvm::Function &function,
                            const TargetInfo &target) const = 0;
  /// Registers LLVM's code generator and assembler, once.
  virtual void initialize() const = 0;

  /// Are its machines devices beside a host, which kernels are sent to?
  virtual bool isDevice() const { return false; }
  /// The code of the kernels in `module`, a gpu.module that is used up, for the
  /// device `target`. `strict`: no product and sum may round once.
  virtual llvm::Expected<DeviceCode> emitDeviceCode(mlir::Operation *module,
                                                    const TargetInfo &target,
                                                    bool strict) const;
};

} // namespace mopt

#endif // MOPT_TARGET_TARGETBACKEND_H

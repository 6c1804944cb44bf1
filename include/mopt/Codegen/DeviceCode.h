//===- DeviceCode.h - what a device runs ------------------------*- C++ -*-===//

#ifndef MOPT_CODEGEN_DEVICECODE_H
#define MOPT_CODEGEN_DEVICECODE_H

#include "llvm/ADT/StringRef.h"

namespace mopt {
/// On the module: the code of its kernels for the device, text.
inline constexpr llvm::StringLiteral kDeviceCodeAttr = "mopt.device_code";
/// The same as machine code, where the device's assembler was found.
inline constexpr llvm::StringLiteral kDeviceImageAttr = "mopt.device_image";
/// On a `gpu.launch_func`: the words of the runtime's MoptLaunchDesc, as many
/// as these and those of its maps.
inline constexpr llvm::StringLiteral kLaunchDescAttr = "mopt.launch_desc";
inline constexpr int64_t kPlainDescWords = 4;
/// On a module for a device: the `#mopt.target` of the host.
inline constexpr llvm::StringLiteral kHostAttr = "mopt.host";
/// On a module for a device: the host computes a part of it, on memory that
/// both reach.
inline constexpr llvm::StringLiteral kSharedMemoryAttr = "mopt.shared_memory";
} // namespace mopt

#endif // MOPT_CODEGEN_DEVICECODE_H

//===- TargetInfo.h - machines that code is made for ------------*- C++ -*-===//

#ifndef MOPT_TARGET_TARGETINFO_H
#define MOPT_TARGET_TARGETINFO_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include <cstdint>
#include <string>

namespace mopt {

/// A row of a target table, see TargetSchema.td.
struct TargetRow {
  const char *name;
  const char *triple;
  const char *cpu;
  const char *tune;
  const char *features;
  uint32_t vectorBits;
  uint32_t vectorRegisters;
  uint32_t l1Bytes;
  uint32_t l2Bytes;
  uint32_t rank;
};

/// How a running library asks for a feature, see TargetSchema.td.
struct FeatureRow {
  const char *name;
  uint32_t leaf;
  uint32_t subleaf;
  uint32_t word;
  uint32_t bit;
  uint64_t state;
};

/// Functions that an emitted library may import, see TargetSchema.td.
struct SystemSymbolRow {
  const char *library;
  const char *version;
  const char *names;
};

/// A machine: a row, or what the user spelled out. The value that becomes
/// `#mopt.target`.
struct TargetInfo {
  std::string name;
  std::string triple;
  std::string cpu;
  std::string tune;
  std::string features;
  unsigned vectorBits = 0;
  unsigned vectorRegisters = 0;
  int64_t l1Bytes = 0;
  int64_t l2Bytes = 0;
  /// As of the row; 0 without one.
  unsigned rank = 0;

  TargetInfo() = default;
  explicit TargetInfo(const TargetRow &row);
  explicit TargetInfo(TargetAttr attr);

  TargetAttr toAttr(mlir::MLIRContext *context) const;
};

} // namespace mopt

#endif // MOPT_TARGET_TARGETINFO_H

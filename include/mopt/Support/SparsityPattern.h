//===- SparsityPattern.h - N of M neighbours --------------------*- C++ -*-===//

#ifndef MOPT_SUPPORT_SPARSITYPATTERN_H
#define MOPT_SUPPORT_SPARSITYPATTERN_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace mopt {
/// At most `kept` of each `group` neighbours are not zero.
struct SparsityPattern {
  int64_t kept, group;

  /// Reads "2:4". Nothing unless 0 < N < M <= 128.
  static std::optional<SparsityPattern> parse(llvm::StringRef text) {
    auto [first, second] = text.split(':');
    SparsityPattern pattern;
    if (first.getAsInteger(10, pattern.kept) ||
        second.getAsInteger(10, pattern.group) || pattern.kept < 1 ||
        pattern.kept >= pattern.group || pattern.group > 128)
      return std::nullopt;
    return pattern;
  }
};
} // namespace mopt

#endif // MOPT_SUPPORT_SPARSITYPATTERN_H

//===- SparsityPattern.h - where weights are zero ---------------*- C++ -*-===//

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

/// What pruning makes of weights: a pattern, or a share of zeros anywhere.
struct PruningPattern {
  std::optional<SparsityPattern> groups;
  double zeros = 0;

  /// Reads "2:4" or "unstructured:0.9", with ":magnitude" behind it or not.
  /// Nothing unless the first is a SparsityPattern, or 0 < share < 1.
  static std::optional<PruningPattern> parse(llvm::StringRef text) {
    text.consume_back(":magnitude");
    PruningPattern pattern;
    if (text.consume_front("unstructured:")) {
      if (text.getAsDouble(pattern.zeros) ||
          !(pattern.zeros > 0 && pattern.zeros < 1))
        return std::nullopt;
      return pattern;
    }
    pattern.groups = SparsityPattern::parse(text);
    return pattern.groups ? std::optional(pattern) : std::nullopt;
  }
};
} // namespace mopt

#endif // MOPT_SUPPORT_SPARSITYPATTERN_H

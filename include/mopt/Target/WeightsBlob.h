//===- WeightsBlob.h - the constant data of a model -------------*- C++ -*-===//

#ifndef MOPT_TARGET_WEIGHTSBLOB_H
#define MOPT_TARGET_WEIGHTSBLOB_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace llvm {
class raw_fd_ostream;
} // namespace llvm

namespace mopt {

/// Pieces of constant data laid out one after the other at multiples of 64
/// bytes. Refers to bytes that others own, so that weights are never copied on
/// their way into a file; only splats, which nobody holds in full, are its own.
class WeightsBlob {
public:
  static constexpr int64_t kAlignment = 64;
  /// Module attribute at L7: an array of elements attributes, which `append`
  /// in their order lays out.
  static constexpr llvm::StringLiteral kModuleAttr = "mopt.weights";
  /// The symbol that stands for the first byte. Generated code declares it;
  /// emission defines it, local to the object.
  static constexpr llvm::StringLiteral kSymbol = "mopt_weights";

  /// The blob that `module` describes; empty without the attribute. The module
  /// must outlive it.
  static mlir::FailureOr<WeightsBlob> fromModule(mlir::ModuleOp module);

  /// Adds bytes and returns their offset.
  int64_t append(llvm::ArrayRef<char> bytes);
  /// Adds `count` times the same bytes.
  int64_t appendSplat(llvm::ArrayRef<char> element, int64_t count);

  /// Size with all padding: a multiple of 64.
  int64_t sizeBytes() const { return totalBytes; }
  bool empty() const { return totalBytes == 0; }
  /// The pieces in order, without the padding behind each.
  llvm::ArrayRef<llvm::ArrayRef<char>> getSegments() const { return segments; }
  /// A hash of the bytes, positive, the same on every machine.
  int64_t id() const;
  /// The SHA-256 of the bytes with their padding, in hexadecimal digits.
  std::string sha256() const;

  /// Writes the bytes at the stream's position.
  void write(llvm::raw_fd_ostream &os) const;
  /// Writes a file of its own that the runtime can map (Runtime.h:
  /// MoptWeightsHeader).
  llvm::Error writeFile(llvm::StringRef path) const;

private:
  llvm::SmallVector<llvm::ArrayRef<char>> segments;
  llvm::SmallVector<std::shared_ptr<std::string>> owned;
  int64_t totalBytes = 0;
};

/// Gives the empty section `.mopt_weights` of an ELF file its bytes, by adding
/// them at the file's end. `elfOffset` is where the ELF file starts in the file
/// at `path`: not 0 for the last member of an archive.
llvm::Error embedWeights(llvm::StringRef path, uint64_t elfOffset,
                         const WeightsBlob &weights);

} // namespace mopt

#endif // MOPT_TARGET_WEIGHTSBLOB_H

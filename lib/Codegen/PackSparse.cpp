// Packs constant weights with N:M structure for sparse micro-kernels: values in
// the order in which they are read, and where they belong.
#include "PackSparse.h"
#include "MicroKernels/SafePairs.h"
#include "mopt/Dialect/Mopt/IR/Sparsity.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

constexpr size_t kAlignment = 64;
/// Of a lane that holds positions.
constexpr int64_t kLaneBits = 32;
/// Neighbours along the depth that are multiplied at once.
constexpr int64_t kBytesOfLane = 4;

namespace {
class Packing {
public:
  Packing(const DenseWeights &weights, const SparseLayout &layout)
      : weights(weights), layout(layout),
        blocks(llvm::divideCeil(weights.width, layout.columns)),
        perColumn(layout.sparsity.countKept(weights.depth)) {}

  FailureOr<PackedSparse> run() {
    if (failed(findKept()))
      return failure();
    switch (layout.form) {
    case SparseForm::masks:
      return packMasks();
    case SparseForm::lanes:
      return packLanes();
    case SparseForm::scalars:
      return isUnstructured(layout.sparsity) ? packCounted() : packScalars();
    case SparseForm::bytes:
      return packBytes();
    case SparseForm::byte_lanes:
      return packByteLanes();
    }
    llvm_unreachable("all forms are listed");
  }

private:
  /// The depths at which each column keeps a value, as many in each group:
  /// where one has fewer, its first free positions. Without a pattern just its
  /// values.
  LogicalResult findKept() {
    int64_t group = layout.sparsity.getGroup();
    bool fill = !isUnstructured(layout.sparsity);
    for (int64_t n = 0; n < weights.width; ++n) {
      starts.push_back(kept.size());
      for (int64_t first = 0; first < weights.depth; first += group) {
        int64_t size = std::min(group, weights.depth - first);
        int64_t fillers = std::min(layout.sparsity.getKept(), size);
        for (int64_t i = 0; i < size; ++i)
          fillers -= weights.isKept(first + i, n);
        if (fillers < 0)
          return failure();
        for (int64_t i = 0; i < size; ++i)
          if (weights.isKept(first + i, n) || (fill && fillers-- > 0))
            kept.push_back(first + i);
      }
    }
    starts.push_back(kept.size());
    return success();
  }

  ArrayRef<int64_t> getKept(int64_t column) const {
    return ArrayRef(kept).slice(starts[column],
                                starts[column + 1] - starts[column]);
  }

  /// The most values of a block of columns.
  int64_t countOfBlock() const {
    if (!isUnstructured(layout.sparsity))
      return perColumn * layout.columns;
    int64_t most = 0;
    for (int64_t n = 0; n < weights.width; n += layout.columns)
      most =
          std::max(most, starts[std::min(n + layout.columns, weights.width)] -
                             starts[n]);
    return most;
  }

  PackedPart allocate(int64_t perBlock, Type element) {
    auto type = RankedTensorType::get({blocks, perBlock}, element);
    size_t size = type.getNumElements() * (element.getIntOrFloatBitWidth() / 8);
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(size, kAlignment);
    std::memset(blob.getMutableData().data(), 0, size);
    return {type, std::move(blob)};
  }

  PackedSparse allocate(int64_t values, int64_t positions, int64_t bits) {
    MLIRContext *context = layout.sparsity.getContext();
    Type element = weights.elementBytes == 1
                       ? Type(IntegerType::get(context, 8))
                       : Type(Float32Type::get(context));
    return {allocate(values, element),
            allocate(positions, IntegerType::get(context, bits))};
  }

  template <typename T> static T *getData(PackedPart &part, int64_t block) {
    return reinterpret_cast<T *>(part.blob.getMutableData().data()) +
           block * part.type.getDimSize(1);
  }

  PackedSparse packMasks() {
    int64_t vectors = layout.columns / layout.lanes;
    PackedSparse packed =
        allocate(countOfBlock(), weights.depth * vectors, layout.lanes);
    for (int64_t block = 0; block < blocks; ++block) {
      auto *masks = getData<uint16_t>(packed.positions, block);
      int64_t first = block * layout.columns;
      int64_t end = std::min(first + layout.columns, weights.width);
      for (int64_t n = first; n < end; ++n)
        for (int64_t k : getKept(n))
          masks[k * vectors + (n - first) / layout.lanes] |=
              1 << (n - first) % layout.lanes;
      float *out = getData<float>(packed.values, block);
      for (int64_t i = 0; i < weights.depth * vectors; ++i)
        for (unsigned bits = masks[i]; bits != 0; bits &= bits - 1)
          *out++ = weights.at<float>(i / vectors,
                                     first + i % vectors * layout.lanes +
                                         llvm::countr_zero(bits));
    }
    return packed;
  }

  PackedSparse packLanes() {
    int64_t group = layout.sparsity.getGroup(),
            number = layout.sparsity.getKept();
    int64_t bits = llvm::Log2_64(group);
    int64_t perWord = kLaneBits / (bits * number) * number;
    // A last group that is not whole has as many slots as the others.
    int64_t slots = llvm::divideCeil(weights.depth, group) * number;
    PackedSparse packed =
        allocate(slots * layout.columns,
                 llvm::divideCeil(slots, perWord) * layout.columns, kLaneBits);
    for (int64_t n = 0; n < weights.width; ++n) {
      int64_t block = n / layout.columns, column = n % layout.columns;
      float *values = getData<float>(packed.values, block);
      auto *words = getData<uint32_t>(packed.positions, block);
      for (auto [i, k] : llvm::enumerate(getKept(n))) {
        int64_t slot = i;
        values[slot * layout.columns + column] = weights.at<float>(k, n);
        words[slot / perWord * layout.columns + column] |=
            uint32_t(k % group) << slot % perWord * bits;
      }
    }
    return packed;
  }

  PackedSparse packScalars() {
    PackedSparse packed =
        allocate(perColumn * layout.columns, perColumn * layout.columns, 16);
    int64_t perPart = layout.sparsity.countKept(layout.depthPart);
    for (int64_t n = 0; n < weights.width; ++n) {
      float *values = getData<float>(packed.values, n / layout.columns);
      auto *rows = getData<uint16_t>(packed.positions, n / layout.columns);
      for (auto [i, k] : llvm::enumerate(getKept(n))) {
        int64_t part = i / perPart;
        int64_t size = std::min(perPart, perColumn - part * perPart);
        int64_t column = n % layout.columns, lane = column % layout.together;
        int64_t at = part * perPart * layout.columns + (column - lane) * size +
                     i % perPart * layout.together + lane;
        values[at] = weights.at<float>(k, n);
        rows[at] = k % layout.depthPart * layout.rowBlock;
      }
    }
    return packed;
  }

  /// Scalars of columns that keep different numbers of values: before the
  /// positions of a block stands how many each `together` columns of each part
  /// have; what the shorter ones lack are zeros.
  PackedSparse packCounted() {
    int64_t perPart = layout.columns / layout.together;
    int64_t numCounts =
        llvm::divideCeil(weights.depth, layout.depthPart) * perPart;
    std::vector<uint16_t> counts(blocks * numCounts);
    std::vector<uint16_t> lengths(blocks * numCounts * layout.together);
    auto getNumber = [&](int64_t k, int64_t n) {
      return n / layout.columns * numCounts + k / layout.depthPart * perPart +
             n % layout.columns / layout.together;
    };
    for (int64_t n = 0; n < weights.width; ++n)
      for (int64_t k : getKept(n)) {
        int64_t number = getNumber(k, n);
        uint16_t &length =
            lengths[number * layout.together + n % layout.together];
        counts[number] = std::max(counts[number], ++length);
      }
    // Where each count's values begin in their block.
    std::vector<int64_t> firsts(counts.size());
    int64_t most = 1;
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t next = 0;
      for (int64_t i = block * numCounts; i < (block + 1) * numCounts; ++i) {
        firsts[i] = next;
        next += counts[i] * layout.together;
      }
      most = std::max(most, next);
    }
    PackedSparse packed = allocate(most, numCounts + most, 16);
    for (int64_t block = 0; block < blocks; ++block)
      std::copy_n(counts.begin() + block * numCounts, numCounts,
                  getData<uint16_t>(packed.positions, block));
    for (int64_t n = 0; n < weights.width; ++n) {
      float *values = getData<float>(packed.values, n / layout.columns);
      uint16_t *rows =
          getData<uint16_t>(packed.positions, n / layout.columns) + numCounts;
      int64_t last = -1, at = 0;
      for (int64_t k : getKept(n)) {
        int64_t number = getNumber(k, n);
        if (number != last)
          at = firsts[number] + n % layout.together;
        last = number;
        values[at] = weights.at<float>(k, n);
        rows[at] = k % layout.depthPart * layout.rowBlock;
        at += layout.together;
      }
    }
    return packed;
  }

  PackedSparse packBytes() {
    int64_t vectors = layout.columns / layout.lanes;
    int64_t steps = llvm::divideCeil(weights.depth, kBytesOfLane);
    PackedSparse packed =
        allocate(countOfBlock() + layout.lanes * kBytesOfLane, steps * vectors,
                 layout.lanes * kBytesOfLane);
    for (int64_t block = 0; block < blocks; ++block) {
      auto *masks = getData<uint64_t>(packed.positions, block);
      int64_t first = block * layout.columns;
      // Where all vectors have as many values, columns that do not exist keep
      // the positions of the first one.
      bool isFixed = kBytesOfLane % layout.sparsity.getGroup() == 0;
      int64_t end = isFixed ? first + layout.columns
                            : std::min(first + layout.columns, weights.width);
      for (int64_t n = first; n < end; ++n)
        for (int64_t k : getKept(n < weights.width ? n : first))
          masks[k / kBytesOfLane * vectors + (n - first) / layout.lanes] |=
              uint64_t(1) << ((n - first) % layout.lanes * kBytesOfLane +
                              k % kBytesOfLane);
      auto *out = getData<int8_t>(packed.values, block);
      for (int64_t i = 0; i < steps * vectors; ++i)
        for (uint64_t bits = masks[i]; bits != 0; bits &= bits - 1, ++out) {
          int64_t at = llvm::countr_zero(bits);
          int64_t n = first + i % vectors * layout.lanes + at / kBytesOfLane;
          if (n < weights.width)
            *out = weights.at<int8_t>(
                i / vectors * kBytesOfLane + at % kBytesOfLane, n);
        }
    }
    return packed;
  }

  PackedSparse packByteLanes() {
    int64_t group = layout.sparsity.getGroup();
    int64_t bits = getBitsOfByteLanes(layout.sparsity), perWord = 8 / bits;
    int64_t steps =
        llvm::divideCeil(weights.depth, getDepthOfByteLanes(layout.sparsity));
    int64_t perStep = layout.columns * kBytesOfLane;
    PackedSparse packed =
        allocate(steps * perStep, llvm::divideCeil(steps, perWord) * perStep,
                 /*bits=*/8);
    for (int64_t n = 0; n < weights.width; ++n) {
      int64_t block = n / layout.columns;
      auto *values = getData<int8_t>(packed.values, block);
      auto *positions = getData<uint8_t>(packed.positions, block);
      for (auto [i, k] : llvm::enumerate(getKept(n))) {
        // All groups but the last one have as many values.
        int64_t step = i / kBytesOfLane;
        int64_t at = n % layout.columns * kBytesOfLane + i % kBytesOfLane;
        values[step * perStep + at] = weights.at<int8_t>(k, n);
        positions[step / perWord * perStep + at] |= k % group
                                                    << step % perWord * bits;
      }
    }
    auto *all = getData<int8_t>(packed.values, 0);
    packed.safePairs = true;
    for (int64_t i = 0, e = packed.values.type.getNumElements(); i < e; i += 2)
      packed.safePairs &= areSafe({all[i], all[i + 1]});
    return packed;
  }

  const DenseWeights &weights;
  const SparseLayout &layout;
  int64_t blocks, perColumn;
  /// `starts` is where each column begins in `kept`, and where the last ends.
  std::vector<int64_t> kept, starts;
};
} // namespace

FailureOr<PackedSparse> mopt::packSparse(const DenseWeights &weights,
                                         const SparseLayout &layout) {
  return Packing(weights, layout).run();
}

namespace {
/// Where instructions of a device take the positions of a group of four
/// neighbours: the word, and the lowest of four bits in there. For each 64
/// columns and 128 steps of the depth each of 128 threads has two words side by
/// side; 32 threads have 16 of the columns.
struct DevicePlace {
  static constexpr int64_t kColumns = 64, kThreads = 128, kWords = 2;
  static constexpr int64_t kWarpColumns = 16, kWarp = 32, kHalf = 8;
  /// Steps of a word of four threads, and of both words; bytes of a column of
  /// dense weights that groups of warps multiply without a wait.
  static constexpr int64_t kWordDepth = 64, kDepth = kWords * kWordDepth,
                           kRoundBytes = 256;

  DevicePlace(int64_t n, int64_t k, int64_t bytes, int64_t depth) {
    int64_t ofColumns = n % kColumns, column = ofColumns % kWarpColumns;
    int64_t half = column / kHalf;
    int64_t thread = ofColumns / kWarpColumns * kWarp + column % kHalf * 4;
    if (bytes == 2) {
      // Columns eight apart have half a word each, of 16 steps.
      thread += k % kWordDepth / 16;
      bit = half * 16 + k % 16;
    } else {
      thread += half + k % kWordDepth / 32 * 2;
      bit = k % 32;
    }
    word = (n / kColumns * (depth / kDepth) + k / kDepth) * kThreads * kWords +
           thread * kWords + k / kWordDepth % kWords;
  }

  int64_t word, bit;
};
} // namespace

FailureOr<PackedSparse> mopt::packForDevice(const DenseWeights &weights,
                                            Type element, int64_t columns) {
  constexpr int64_t kGroup = 4, kKept = 2;
  int64_t blocks = llvm::divideCeil(weights.width, columns);
  int64_t bytes = weights.elementBytes;
  int64_t depth =
      llvm::alignTo(weights.depth, DevicePlace::kRoundBytes / bytes);
  int64_t kept = depth / kGroup * kKept;
  auto allocate = [&](int64_t perBlock, Type type) -> PackedPart {
    auto tensor = RankedTensorType::get({blocks, perBlock}, type);
    size_t size = tensor.getNumElements() * (type.getIntOrFloatBitWidth() / 8);
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(size, kAlignment);
    std::memset(blob.getMutableData().data(), 0, size);
    return {tensor, std::move(blob)};
  };
  int64_t words = columns / DevicePlace::kColumns *
                  (depth / DevicePlace::kDepth) * DevicePlace::kThreads *
                  DevicePlace::kWords;
  PackedSparse packed{
      allocate(columns * kept, element),
      allocate(words, IntegerType::get(element.getContext(), 32))};
  char *values = packed.values.blob.getMutableData().data();
  auto *positions = reinterpret_cast<uint32_t *>(
      packed.positions.blob.getMutableData().data());
  for (int64_t n = 0; n < blocks * columns; ++n)
    for (int64_t k = 0; k < depth; k += kGroup) {
      SmallVector<int64_t, kGroup> chosen;
      auto has = [&](int64_t i) {
        return n < weights.width && k + i < weights.depth &&
               weights.isKept(k + i, n);
      };
      int64_t fillers = kKept;
      for (int64_t i = 0; i < kGroup; ++i)
        fillers -= has(i);
      if (fillers < 0)
        return failure();
      for (int64_t i = 0; i < kGroup; ++i)
        if (has(i) || fillers-- > 0)
          chosen.push_back(i);
      uint32_t bits = 0;
      for (int64_t i = 0; i < kKept; ++i) {
        bits |= chosen[i] << (2 * i);
        if (has(chosen[i]))
          std::memcpy(values + (n * kept + k / kGroup * kKept + i) * bytes,
                      weights.getAddress(k + chosen[i], n), bytes);
      }
      DevicePlace place(n, k, bytes, depth);
      positions[place.word] |= bits << place.bit;
    }
  return packed;
}

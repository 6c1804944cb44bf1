// Scores the micro-kernel rows that fit a target against a shape. The rule is
// fixed, so that the same model and target always give the same code.
#include "Selection.h"
#include "MatrixProduct.h"

#include "../Grid/WarpgroupPlan.h"
#include "mopt/Target/MicroKernels.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mopt;

/// What a size that is not known counts as.
constexpr int64_t kAssumedSize = 128;
/// Cycles in which the multiply-adds of one step cannot overlap with the next.
constexpr double kLatency = 4;
/// Those for finding a group that is multiplied besides.
constexpr double kExcessCycles = 1;
/// Operations per cycle, of arithmetic and of loads.
constexpr double kPerCycle = 2;

/// A row of lower rank must be this much better.
constexpr double kMargin = 0.97;

/// The rows of a table that `target` can run, widest vectors and then highest
/// rank first.
static SmallVector<const MicroKernelRow *>
getFittingRows(ArrayRef<MicroKernelRow> table, StringRef kind,
               TargetAttr target) {
  SmallVector<const MicroKernelRow *> rows;
  for (const MicroKernelRow &row : table)
    if (kind == row.kind && canRun(target, row))
      rows.push_back(&row);
  llvm::sort(rows, [](const MicroKernelRow *a, const MicroKernelRow *b) {
    return std::pair(a->vectorBits, a->rank) >
           std::pair(b->vectorBits, b->rank);
  });
  return rows;
}

static int64_t getLanes(const MicroKernelRow &row, TargetAttr target,
                        Type element) {
  int64_t bits = row.vectorBits ? row.vectorBits : target.getVectorBits();
  return std::max<int64_t>(1, bits / element.getIntOrFloatBitWidth());
}

static int64_t known(int64_t size) {
  return ShapedType::isDynamic(size) ? kAssumedSize : size;
}

/// The share of sums in words that are too large.
static std::optional<double> getUnsafeShare(const MicroKernelRow &row,
                                            const ProductTypes &types) {
  return row.wordGroups == 1   ? types.unsafeInOne
         : row.wordGroups == 2 ? types.unsafeInTwo
                               : std::nullopt;
}

/// Floats of 8 bits, which nothing but their own rows multiplies.
static bool hasSmallFloats(const ProductTypes &types) {
  return isa<FloatType>(types.lhs) && types.lhs.getIntOrFloatBitWidth() < 16;
}

/// Does the row multiply elements of these types?
static bool fits(const MicroKernelRow &row, const ProductShape &shape) {
  const ProductTypes &types = shape.types;
  StringRef kind = row.types;
  bool areSmall = hasSmallFloats(types);
  if (kind.empty())
    return !areSmall;
  if (kind == "tf32")
    return types.shortened && types.lhs.isF32() && types.rhs.isF32();
  if (kind == "e4m3")
    return isa<Float8E4M3FNType>(types.lhs);
  if (kind == "e5m2")
    return isa<Float8E5M2Type>(types.lhs);
  if (kind == "float")
    return isa<FloatType>(types.lhs) && !areSmall;
  if (kind == "bf16")
    return types.lhs.isBF16() && types.rhs.isBF16();
  if (kind == "f16")
    return types.lhs.isF16() && types.rhs.isF16();
  if (kind == "s16")
    return types.lhs.isInteger(16) && types.rhs.isInteger(16);
  bool areBytes = types.lhs.isInteger(8) && types.rhs.isInteger(8) &&
                  types.accumulator.isInteger(32);
  // Words are bytes that were widened for such a row.
  bool isWide =
      types.lhs.isInteger(16) && types.rhs.isInteger(8) && row.lhsBits == 16;
  if (types.unsignedRhs || !(areBytes || isWide))
    return false;
  if (kind == "x8s8")
    return true;
  if (kind == "s8s8")
    return !types.unsignedLhs && areBytes;
  if (!types.unsignedLhs || !areBytes)
    return false;
  if (kind == "u8s8")
    return true;
  std::optional<double> unsafe = getUnsafeShare(row, types);
  return kind == "u8p8" && unsafe && (*unsafe == 0 || shape.canSplit);
}

/// Groups that are multiplied besides those of the depth, for each of these, if
/// one of `columns` columns has too large a sum. What is too much of a sum of
/// several groups is in one of them, unless a pair in one is too large by
/// itself.
static double countExcessGroups(const MicroKernelRow &row, int64_t columns,
                                const ProductShape &shape) {
  if (StringRef(row.types) != "u8p8")
    return 0;
  auto getShare = [&](double unsafe) {
    return 1 - std::pow(1 - unsafe, row.interleave / 2 * columns);
  };
  double groups = getShare(*getUnsafeShare(row, shape.types));
  if (row.wordGroups > 1)
    groups += 2 * getShare(*shape.types.unsafeInOne);
  return groups / row.wordGroups;
}

/// Sums of several groups of a depth of `steps`: in words, those of as many as
/// the row has; narrow ones also end where neighbours do.
static int64_t countSums(const MicroKernelRow &row, const ProductShape &shape,
                         int64_t steps) {
  int64_t groups = row.wordGroups;
  if (!row.sumsNarrow())
    return steps / groups + steps % groups;
  int64_t run = shape.depthRun ? shape.depthRun / row.interleave : steps;
  if (steps <= groups || run < 1)
    return 1;
  return llvm::divideCeil(steps, run) * llvm::divideCeil(run, groups);
}

/// Estimated cycles of the whole product.
static double getCycles(const MicroKernelRow &row, int64_t lanes,
                        const ProductShape &shape) {
  int64_t rows = std::max<int64_t>(1, known(shape.rows));
  int64_t blocks = llvm::divideCeil(rows, row.rows);
  int64_t size = rows / blocks, larger = rows % blocks;
  int64_t parts = std::max<int64_t>(1, shape.parts);
  int64_t steps = std::max<int64_t>(
      1, parts * llvm::divideCeil(known(shape.depth) / parts, row.interleave));
  // A group by itself is spared the multiplications and additions that the
  // others of a sum in words add to one: those behind the last sum, and excess.
  // Without neighbours narrow sums have twice the columns.
  double further = row.sumsNarrow() ? row.interleave / 2.0 : 2;
  double single = row.cost - further * (row.wordGroups - 1);
  int64_t columns = std::min(lanes * row.vectors, known(shape.width));
  double sums = countSums(row, shape, steps);
  double cost = (sums * single + (steps - sums) * further) / steps;
  int64_t block = row.getBlockRows();
  auto stepCycles = [&](int64_t count, double instructions) {
    // Rows of a block have to be put side by side.
    int64_t joined = block == 1 ? 0 : llvm::divideCeil(count, block);
    double multiplies = (llvm::alignTo(count, block) * row.vectors + joined) *
                        instructions / kPerCycle;
    double loads = (count + row.vectors * block) / kPerCycle;
    return std::max({multiplies, loads, kLatency});
  };
  auto blockCycles = [&](double instructions) {
    return larger * stepCycles(size + 1, instructions) +
           (blocks - larger) * stepCycles(size, instructions);
  };
  double perStep =
      blockCycles(cost) + countExcessGroups(row, columns, shape) *
                              (blockCycles(single) + blocks * kExcessCycles);
  int64_t panels = llvm::divideCeil(known(shape.width), lanes * row.vectors);
  return panels * perStep * steps;
}

/// Up to here rows wait for the right side, of which other kernels read several
/// panels at once.
constexpr int64_t kFewRows = 4;

/// Registers of a matrix unit take runs of the depth whose length divides it.
static bool fitsMatrixUnit(const MicroKernelRow &row,
                           const ProductShape &shape) {
  int64_t run = shape.depthRun ? shape.depthRun : shape.depth;
  return ShapedType::isStatic(run) && run > 0 && run % row.interleave == 0 &&
         (ShapedType::isDynamic(shape.rows) || shape.rows > kFewRows ||
          hasSmallFloats(shape.types));
}

/// Estimated cycles of the whole product in a matrix unit, one row of a
/// register being a cycle of multiplying or half of one of loading.
static double getMatrixCycles(const MicroKernelRow &row, int64_t lanes,
                              const ProductShape &shape) {
  const MatrixUnit &unit = *getMatrixUnit(row.matrixUnit);
  int64_t rows = std::max<int64_t>(1, known(shape.rows));
  int64_t run = shape.rowRun ? std::max<int64_t>(1, known(shape.rowRun)) : rows;
  int64_t pieces = llvm::divideCeil(run, unit.getRows());
  double size = llvm::divideCeil(run, pieces);
  int64_t depthRun = shape.depthRun ? shape.depthRun : shape.depth;
  double depth = getMatrixDepth(depthRun / row.interleave, unit.getRowBytes());
  double steps = known(shape.depth) / (depth * row.interleave);
  double pairs = std::max(1.0, double(rows) / run * pieces / 2);
  double panels = llvm::divideCeil(known(shape.width), lanes * row.vectors);
  // Two by two registers; the sums are stored and loaded again.
  double multiplies = 4 * size, loads = size + depth;
  return panels * pairs * (steps * std::max(multiplies, loads) + 4 * size);
}

/// Bytes in groups of a whole piece of the copy engine's are for products that
/// groups of warps can compute: warps would copy depths of fewer in vain.
static bool fitsWarpgroups(const MicroKernelRow &row,
                           const ProductShape &shape) {
  return shape.parts == 1 && shape.depth % row.interleave == 0 &&
         suitsWarpgroups(/*batches=*/1, shape.rows, shape.width, shape.depth);
}

ConfigAttr mopt::selectProduct(TargetAttr target, const ProductShape &shape) {
  for (ArrayRef<MicroKernelRow> table : getMicroKernelTables()) {
    const MicroKernelRow *best = nullptr;
    double fewest = std::numeric_limits<double>::infinity();
    int64_t bits = 0;
    for (const MicroKernelRow *row : getFittingRows(table, "product", target)) {
      int64_t lanes = getLanes(*row, target, shape.types.accumulator);
      if (!fits(*row, shape) ||
          (shape.columns && (shape.columns != lanes * row->vectors ||
                             shape.interleave != row->interleave)))
        continue;
      if (shape.depthUnit % row->interleave != 0)
        continue;
      // A wider vector is a newer family of rows, and preferred as a whole.
      bool inMatrices = *row->matrixUnit;
      if (inMatrices && !fitsMatrixUnit(*row, shape))
        continue;
      if (row->rhsBits == 8 && row->interleave == kGroupBytes &&
          !fitsWarpgroups(*row, shape))
        continue;
      // A device's tile is chosen with its grid; its rows differ by their rank.
      double cycles = inMatrices && getMatrixUnit(row->matrixUnit)
                          ? getMatrixCycles(*row, lanes, shape)
                          : getCycles(*row, lanes, shape);
      if (row->vectorBits < bits ||
          (row->vectorBits == bits && cycles >= kMargin * fewest))
        continue;
      best = row, fewest = cycles, bits = row->vectorBits;
    }
    if (!best)
      continue;
    int64_t lanes = getLanes(*best, target, shape.types.accumulator);
    int64_t bytes = known(shape.width) * known(shape.depth) *
                    (shape.types.rhs.getIntOrFloatBitWidth() / 8);
    bool prefetch = bytes > best->prefetchBytes;
    return ConfigAttr::get(target.getContext(), best->name, best->rows,
                           lanes * best->vectors, lanes, best->unroll,
                           best->streams, prefetch ? best->prefetchRows : 0,
                           prefetch, best->interleave, best->accumulates,
                           best->lhsBits, best->rhsBits, best->instruction,
                           best->matrixUnit, best->wordGroups, best->lhsSteps);
  }
  return {};
}

ConfigAttr mopt::selectDepthwise(TargetAttr target, const ProductTypes &types,
                                 int64_t width, int64_t stride) {
  for (ArrayRef<MicroKernelRow> table : getMicroKernelTables())
    for (const MicroKernelRow *best :
         getFittingRows(table, "depthwise", target)) {
      const MicroKernelRow &row = *best;
      if (!fits(row, {types, 1, 1, 1}))
        continue;
      int64_t rows = row.rows, columns = row.vectors;
      // Vectors of what is multiplied.
      Type element = types.accumulator;
      if (row.lhsBits)
        element = IntegerType::get(target.getContext(), row.lhsBits);
      // Windows that hardly overlap share no input rows; a wide row of outputs
      // is better then.
      if (stride > 1) {
        columns = rows * columns >= 7 && width % 7 == 0 ? 7 : columns;
        rows = 1;
      }
      return ConfigAttr::get(target.getContext(), row.name, rows, columns,
                             getLanes(row, target, element), 1, 1, 0, false,
                             /*interleave=*/1, /*accumulates=*/false,
                             row.lhsBits, row.rhsBits, "", "",
                             /*wordGroups=*/1, /*lhsSteps=*/1);
    }
  return {};
}

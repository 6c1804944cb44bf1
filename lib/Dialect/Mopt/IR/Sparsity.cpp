// Sparse weights: the pattern, and tensors that are put together from it.
#include "mopt/Dialect/Mopt/IR/Sparsity.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mopt;

bool mopt::isPointwise(ConvOp op) {
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  auto isOne = [](int64_t value) { return value == 1; };
  auto isZero = [](int64_t value) { return value == 0; };
  return op.getGroup() == 1 && llvm::all_of(op.getPadsBegin(), isZero) &&
         llvm::all_of(op.getPadsEnd(), isZero) &&
         llvm::all_of(op.getStrides(), isOne) &&
         llvm::all_of(filter.getShape().drop_front(2), isOne);
}

std::optional<int64_t> mopt::getDepthAxis(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op))
    return isPointwise(conv) ? std::optional<int64_t>(1) : std::nullopt;
  if (!isa<MatmulOp, QuantizedMatmulOp>(op))
    return std::nullopt;
  int64_t rank = cast<RankedTensorType>(op->getOperand(1).getType()).getRank();
  auto matmul = dyn_cast<MatmulOp>(op);
  bool transposed = matmul ? matmul.getTransposeRhs()
                           : cast<QuantizedMatmulOp>(op).getTransposeRhs();
  return transposed ? rank - 1 : rank - 2;
}

int64_t mopt::getDepthOfByteLanes(SparsityAttr sparsity) {
  constexpr int64_t kValues = 4;
  return kValues / sparsity.getKept() * sparsity.getGroup();
}

int64_t mopt::getBitsOfByteLanes(SparsityAttr sparsity) {
  return sparsity.getGroup() == 4 ? 2 : 4;
}

bool mopt::isNonzero(const char *element, int64_t bytes) {
  if (bytes == 1)
    return *element != 0;
  if (bytes == 2)
    return (*reinterpret_cast<const uint16_t *>(element) & 0x7FFF) != 0;
  return *reinterpret_cast<const float *>(element) != 0;
}

bool mopt::keepsTwoOfFour(SparsityAttr sparsity) {
  int64_t kept = sparsity.getKept(), group = sparsity.getGroup();
  return (group == 4 && kept <= 2) || (group == 2 && kept == 1);
}

static int64_t countNonzeros(const ConstantTensor &values) {
  int64_t count = 0, bytes = values.getElementBytes();
  const char *data = values.getBytes().data();
  for (int64_t i = 0, e = values.getNumElements(); i < e; ++i)
    count += isNonzero(data + i * bytes, bytes);
  return count;
}

double mopt::getKeptShare(SparseAssembleOp op) {
  int64_t all = cast<RankedTensorType>(op.getType()).getNumElements();
  return double(countNonzeros(*getConstantTensor(op.getValues()))) /
         std::max<int64_t>(1, all);
}

/// Positions within a group are signed bytes.
constexpr int64_t kLargestGroup = 128;

LogicalResult SparsityAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t kept, int64_t group) {
  if (kept < 1 || kept > group || group > kLargestGroup)
    return emitError() << "expected N:M with N from 1 to M, and M up to "
                       << kLargestGroup << ", found " << kept << ":" << group;
  return success();
}

std::string mopt::describeSparsity(SparseAssembleOp op) {
  SparsityAttr sparsity = op.getSparsity();
  std::string text =
      llvm::formatv("{0}:{1}", sparsity.getKept(), sparsity.getGroup());
  std::optional<ConstantTensor> values = getConstantTensor(op.getValues());
  if (!isUnstructured(sparsity) || !values)
    return text;
  int64_t all = cast<RankedTensorType>(op.getType()).getNumElements();
  int64_t zeros = all - countNonzeros(*values);
  return llvm::formatv("{0} (unstructured, {1}% zeros)", text,
                       100 * zeros / std::max<int64_t>(1, all));
}

int64_t SparsityAttr::countKept(int64_t size) const {
  return size / getGroup() * getKept() + std::min(getKept(), size % getGroup());
}

/// Do the positions, a constant, ascend within each group and lie inside?
static LogicalResult verifyPositions(SparseAssembleOp op,
                                     const ConstantTensor &positions) {
  auto type = cast<RankedTensorType>(op.getType());
  int64_t axis = op.getAxis(), size = type.getDimSize(axis);
  int64_t kept = op.getSparsity().getKept(),
          group = op.getSparsity().getGroup();
  int64_t length = positions.getType().getDimSize(axis), inner = 1;
  for (int64_t dim : type.getShape().drop_front(axis + 1))
    inner *= dim;
  for (int64_t i = 0, e = positions.getNumElements(); i < e; ++i) {
    int64_t along = i / inner % length;
    int64_t found = positions.getInt(i), first = along / kept * group;
    int64_t low = along % kept == 0 ? 0 : positions.getInt(i - inner) + 1;
    int64_t high = std::min(group, size - first);
    if (found < low || found >= high)
      return op.emitOpError("expected ascending positions below ")
             << high << " in the group at " << first << ", found " << found
             << " at index " << along % kept << " of it";
  }
  return success();
}

LogicalResult SparseAssembleOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  auto values = cast<RankedTensorType>(getValues().getType());
  auto positions = cast<RankedTensorType>(getPositions().getType());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= type.getRank())
    return emitOpError("expected an axis in [0, ")
           << type.getRank() << "), found " << axis;
  if (!type.hasStaticShape())
    return emitOpError("expected a static shape, found ") << type;
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = getSparsity().countKept(shape[axis]);
  if (values != type.clone(shape))
    return emitOpError("expected values of type ")
           << type.clone(shape) << ", found " << values;
  Type byte = IntegerType::get(getContext(), 8);
  if (positions != RankedTensorType::get(shape, byte))
    return emitOpError("expected positions of type ")
           << RankedTensorType::get(shape, byte) << ", found " << positions;
  if (std::optional<ConstantTensor> known = getConstantTensor(getPositions()))
    return verifyPositions(*this, *known);
  return success();
}

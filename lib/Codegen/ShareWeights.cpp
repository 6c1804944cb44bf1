// Level in and out: buffer. Variants of one model get weights in common: each
// distinct constant once, and of a matrix that is packed in several ways only
// the form that most variants take, with recipes for the others. Then views of
// the weights show the new places.
#include "mopt/Codegen/ShareWeights.h"

#include "../Runtime/Repack.h"

#include "mopt/Codegen/Packing.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/ConstantTensor.h"
#include "mopt/Target/WeightsBlob.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"
#include <deque>

using namespace mlir;
using namespace mopt;

namespace {
/// Below this a recipe takes as much as it saves.
constexpr int64_t kLeastBytes = 1024;
/// Of a form's bytes, what a list of the elements that differ may take.
constexpr int64_t kPatchShare = 8;

using Hash = std::pair<uint64_t, uint64_t>;

Hash hashOf(ArrayRef<char> bytes) {
  llvm::XXH128_hash_t hash = llvm::xxh3_128bits(ArrayRef<uint8_t>(
      reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
  return {hash.low64, hash.high64};
}

/// Bytes that one or more variants read.
struct Form {
  Attribute attr;
  ArrayRef<char> bytes;
  int64_t elementBytes = 1;
  std::optional<Packing> packing;
  /// Variants that read it.
  llvm::SmallDenseSet<unsigned> users;
  /// The form that this one is made of, and how: null for one that is stored.
  Form *source = nullptr;
  MoptRepack recipe = {};
  Attribute positions, values;
  /// The place in the stored weights, -1 before there is one.
  int64_t offset = -1;
};

/// One variant's entry and its constants, in the order of their places.
struct Variant {
  ModuleOp module;
  func::FuncOp entry;
  BlockArgument weights;
  SmallVector<Form *> forms;
  SmallVector<int64_t> offsets;
};

/// A row-major matrix of the same sizes.
Packing getRowMajor(const Packing &packing) {
  Packing result = packing;
  result.columns = packing.width;
  result.interleave = 1;
  result.origin = {};
  return result;
}

MoptRepack makeRecipe(int64_t elementBytes, const Packing &from,
                      const Packing &to) {
  MoptRepack recipe = {};
  recipe.element_bytes = elementBytes;
  recipe.batches = to.batches;
  recipe.depth = to.depth;
  recipe.width = to.width;
  recipe.source_columns = from.columns;
  recipe.source_interleave = from.interleave;
  recipe.columns = to.columns;
  recipe.interleave = to.interleave;
  recipe.word_rows = to.wordRows;
  recipe.scale_bytes = to.scaleBytes;
  recipe.zero_bytes = to.zeroBytes;
  return recipe;
}

bool haveSameSizes(const Packing &a, const Packing &b) {
  auto sizes = [](const Packing &packing) {
    return std::tuple(packing.batches, packing.depth, packing.width,
                      packing.wordRows, packing.scaleBytes, packing.zeroBytes);
  };
  return sizes(a) == sizes(b);
}

int64_t getPackedBytes(int64_t elementBytes, const Packing &packing) {
  MoptRepack recipe = makeRecipe(elementBytes, packing, packing);
  return mopt_rt_packed_bytes(&recipe, packing.columns, packing.interleave);
}

std::vector<char> repack(const MoptRepack &recipe, ArrayRef<char> source) {
  std::vector<char> target(
      mopt_rt_packed_bytes(&recipe, recipe.columns, recipe.interleave));
  mopt_rt_repack(&recipe, source.data(), target.data());
  return target;
}

class Sharing {
public:
  explicit Sharing(ArrayRef<ModuleOp> modules)
      : modules(modules), context(ModuleOp(modules.front()).getContext()) {}

  LogicalResult run() {
    for (auto [index, module] : llvm::enumerate(modules))
      if (failed(read(index, module)))
        return failure();
    for (Form &form : forms)
      groups[hashMatrix(form)].push_back(&form);
    for (auto &[hash, group] : groups)
      chooseSource(group);
    for (Variant &variant : variants)
      for (Form *form : variant.forms)
        place(form);
    for (Variant &variant : variants)
      if (failed(rewrite(variant)))
        return failure();
    ArrayAttr list = ArrayAttr::get(context, stored);
    for (ModuleOp module : modules) {
      if (!stored.empty())
        module->setAttr(WeightsBlob::kModuleAttr, list);
      module->removeAttr(kPackingsAttr);
    }
    return success();
  }

private:
  LogicalResult read(unsigned index, ModuleOp module);
  Form *addForm(ModuleOp module, Attribute attr, ArrayRef<char> bytes);
  /// A hash of the matrix that `form` is made of, whatever its packing.
  Hash hashMatrix(const Form &form);
  void chooseSource(ArrayRef<Form *> group);
  bool derive(Form &form, Form &source, const Packing &sizes);
  int64_t store(Attribute attr, int64_t bytes);
  void place(Form *form);
  LogicalResult rewrite(Variant &variant);

  ArrayRef<ModuleOp> modules;
  MLIRContext *context;
  std::deque<Form> forms;
  llvm::MapVector<std::pair<Hash, int64_t>, Form *> byBytes;
  llvm::MapVector<Hash, SmallVector<Form *>> groups;
  std::vector<Variant> variants;
  /// They own what splats stand for.
  std::deque<WeightsBlob> blobs;
  SmallVector<Attribute> stored;
  int64_t storedBytes = 0;
};
} // namespace

LogicalResult Sharing::read(unsigned index, ModuleOp module) {
  Variant variant;
  variant.module = module;
  for (auto func : module.getOps<func::FuncOp>())
    if (func->hasAttr(kEntryAttr))
      variant.entry = func;
  auto list = module->getAttrOfType<ArrayAttr>(WeightsBlob::kModuleAttr);
  if (!variant.entry || !list)
    return success();
  for (BlockArgument argument : variant.entry.getArguments())
    if (variant.entry.getArgAttr(argument.getArgNumber(), kWeightsAttr))
      variant.weights = argument;
  FailureOr<WeightsBlob> blob = WeightsBlob::fromModule(module);
  if (failed(blob))
    return failure();
  int64_t offset = 0;
  for (auto [attr, bytes] : llvm::zip_equal(list, blob->getSegments())) {
    Form *form = addForm(module, attr, bytes);
    form->users.insert(index);
    variant.forms.push_back(form);
    variant.offsets.push_back(offset);
    offset += llvm::alignTo(bytes.size(), WeightsBlob::kAlignment);
  }
  blobs.push_back(std::move(*blob));
  variants.push_back(std::move(variant));
  return success();
}

Form *Sharing::addForm(ModuleOp module, Attribute attr, ArrayRef<char> bytes) {
  Form *&form = byBytes[{hashOf(bytes), int64_t(bytes.size())}];
  std::optional<Packing> packing = getPacking(module, cast<ElementsAttr>(attr));
  bool isKnown = form && form->bytes == bytes;
  // Equal bytes may be a packed matrix here and none there.
  if (isKnown && (form->packing || !packing))
    return form;
  if (!isKnown)
    form = &forms.emplace_back();
  form->attr = attr;
  form->bytes = bytes;
  form->packing = packing;
  Type type = cast<ElementsAttr>(attr).getElementType();
  form->elementBytes =
      type.isIntOrFloat() ? llvm::divideCeil(type.getIntOrFloatBitWidth(), 8)
                          : 8;
  return form;
}

Hash Sharing::hashMatrix(const Form &form) {
  if (!form.packing)
    return hashOf(form.bytes);
  ArrayRef<char> bytes = form.bytes;
  if (form.packing->origin) {
    std::optional<ConstantTensor> origin =
        ConstantTensor::fromAttr(form.packing->origin);
    if (origin)
      bytes = origin->getBytes();
  }
  return hashOf(repack(
      makeRecipe(form.elementBytes, *form.packing, getRowMajor(*form.packing)),
      bytes));
}

/// Of all forms of a matrix, the one that most variants read is stored, the
/// earliest of equals; one that lost values to another constant only if all
/// did.
void Sharing::chooseSource(ArrayRef<Form *> group) {
  Form *source = nullptr;
  const Packing *sizes = nullptr;
  auto rank = [](const Form *form) {
    bool isWhole = !form->packing || !form->packing->origin;
    return std::pair(isWhole, form->users.size());
  };
  for (Form *form : group) {
    if (form->packing && !sizes)
      sizes = &*form->packing;
    if (!source || rank(form) > rank(source))
      source = form;
  }
  if (!sizes)
    return;
  for (Form *form : group)
    if (form != source)
      derive(*form, *source, *sizes);
}

/// `sizes` are those of some form of the matrix.
bool Sharing::derive(Form &form, Form &source, const Packing &sizes) {
  Packing from = source.packing.value_or(getRowMajor(sizes));
  Packing to = form.packing.value_or(getRowMajor(sizes));
  int64_t size = form.bytes.size();
  if (size < kLeastBytes || form.elementBytes != source.elementBytes ||
      !haveSameSizes(from, to) ||
      getPackedBytes(form.elementBytes, to) != size ||
      getPackedBytes(form.elementBytes, from) != int64_t(source.bytes.size()))
    return false;
  MoptRepack recipe = makeRecipe(form.elementBytes, from, to);
  std::vector<char> made = repack(recipe, source.bytes);
  size_t elementBytes = form.elementBytes;
  std::vector<uint32_t> positions;
  std::vector<char> values;
  for (size_t at = 0; at < made.size(); at += elementBytes) {
    const char *wanted = form.bytes.data() + at;
    if (std::memcmp(made.data() + at, wanted, elementBytes) == 0)
      continue;
    if (at / elementBytes > UINT32_MAX)
      return false;
    positions.push_back(at / elementBytes);
    values.insert(values.end(), wanted, wanted + elementBytes);
  }
  if (int64_t(positions.size() * sizeof(uint32_t) + values.size()) >
      size / kPatchShare)
    return false;
  recipe.patch_count = positions.size();
  if (!positions.empty()) {
    auto makeConstant = [&](ArrayRef<char> bytes) -> Attribute {
      auto type = RankedTensorType::get({int64_t(bytes.size())},
                                        IntegerType::get(context, 8));
      ConstantTensor tensor = std::move(*ConstantTensor::allocate(type));
      llvm::copy(bytes, tensor.getMutableBytes().begin());
      return std::move(tensor).toAttr("patch");
    };
    form.positions =
        makeConstant(ArrayRef(reinterpret_cast<const char *>(positions.data()),
                              positions.size() * sizeof(uint32_t)));
    form.values = makeConstant(values);
  }
  form.source = &source;
  form.recipe = recipe;
  return true;
}

int64_t Sharing::store(Attribute attr, int64_t bytes) {
  int64_t offset = storedBytes;
  stored.push_back(attr);
  storedBytes += llvm::alignTo(bytes, WeightsBlob::kAlignment);
  return offset;
}

/// Stores what `form` needs, once.
void Sharing::place(Form *form) {
  if (form->offset >= 0)
    return;
  if (!form->source) {
    form->offset = store(form->attr, form->bytes.size());
    return;
  }
  place(form->source);
  MoptRepack &recipe = form->recipe;
  form->offset = recipe.source = form->source->offset;
  if (recipe.patch_count == 0)
    return;
  recipe.patch_positions =
      store(form->positions, recipe.patch_count * sizeof(uint32_t));
  recipe.patch_values =
      store(form->values, recipe.patch_count * recipe.element_bytes);
}

LogicalResult Sharing::rewrite(Variant &variant) {
  func::FuncOp entry = variant.entry;
  Builder b(entry.getContext());
  llvm::DenseMap<int64_t, Form *> byOffset;
  llvm::DenseMap<Form *, int64_t> repackedOffsets;
  SmallVector<int64_t> recipes;
  int64_t repackedBytes = 0;
  for (auto [form, offset] : llvm::zip_equal(variant.forms, variant.offsets)) {
    byOffset[offset] = form;
    if (!form->source)
      continue;
    auto [place, isNew] = repackedOffsets.try_emplace(form, repackedBytes);
    if (!isNew)
      continue;
    repackedBytes += llvm::alignTo(form->bytes.size(), WeightsBlob::kAlignment);
    MoptRepack recipe = form->recipe;
    recipe.target = place->second;
    const auto *numbers = reinterpret_cast<const int64_t *>(&recipe);
    recipes.append(numbers, numbers + sizeof(recipe) / sizeof(int64_t));
  }
  BlockArgument repacked;
  if (repackedBytes > 0) {
    unsigned position = entry.getNumArguments();
    (void)entry.insertArgument(
        position, variant.weights.getType(),
        b.getDictionaryAttr(b.getNamedAttr(kRepackedBytesAttr,
                                           b.getI64IntegerAttr(repackedBytes))),
        entry.getLoc());
    repacked = entry.getArgument(position);
    variant.module->setAttr(kRepacksAttr, b.getDenseI64ArrayAttr(recipes));
    variant.module->setAttr(kRepackedBytesAttr,
                            b.getI64IntegerAttr(repackedBytes));
  }
  for (OpOperand &use : llvm::make_early_inc_range(variant.weights.getUses())) {
    auto view = dyn_cast<memref::ViewOp>(use.getOwner());
    std::optional<int64_t> offset =
        view ? getConstantIntValue(view.getByteShift()) : std::nullopt;
    Form *form = offset ? byOffset.lookup(*offset) : nullptr;
    if (!form)
      return use.getOwner()->emitOpError(
          "expected views of whole constants as the only uses of the weights");
    OpBuilder builder(view);
    bool isRepacked = form->source;
    Value shift = arith::ConstantIndexOp::create(
        builder, view.getLoc(),
        isRepacked ? repackedOffsets.lookup(form) : form->offset);
    view.getByteShiftMutable().assign(shift);
    if (isRepacked)
      view.getSourceMutable().assign(repacked);
  }
  entry.setArgAttr(variant.weights.getArgNumber(), kWeightsAttr,
                   b.getI64IntegerAttr(storedBytes));
  return success();
}

LogicalResult mopt::shareWeights(ArrayRef<ModuleOp> variants) {
  return Sharing(variants).run();
}

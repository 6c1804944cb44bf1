// Notes of packed constants on the module, by the names of their resources.
#include "mopt/Codegen/Packing.h"

#include "mopt/Support/Attributes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mopt;

static constexpr std::pair<StringLiteral, int64_t Packing::*> kNumbers[] = {
    {"batches", &Packing::batches},
    {"depth", &Packing::depth},
    {"width", &Packing::width},
    {"columns", &Packing::columns},
    {"interleave", &Packing::interleave},
    {"word_rows", &Packing::wordRows},
    {"scale_bytes", &Packing::scaleBytes},
    {"zero_bytes", &Packing::zeroBytes}};

static StringRef getKey(ElementsAttr packed) {
  auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(packed);
  return resource ? resource.getRawHandle().getKey() : StringRef();
}

void mopt::notePacking(ModuleOp module, ElementsAttr packed,
                       const Packing &packing) {
  auto notes = module->getAttrOfType<DictionaryAttr>(kPackingsAttr);
  StringRef key = getKey(packed);
  if (!notes || key.empty())
    return;
  Builder b(module.getContext());
  NamedAttrList note;
  for (auto [name, member] : kNumbers)
    if (packing.*member != Packing().*member)
      note.append(name, b.getI64IntegerAttr(packing.*member));
  if (packing.origin)
    note.append("origin", packing.origin);
  NamedAttrList all(notes);
  all.set(key, note.getDictionary(module.getContext()));
  module->setAttr(kPackingsAttr, all.getDictionary(module.getContext()));
}

std::optional<Packing> mopt::getPacking(ModuleOp module, ElementsAttr packed) {
  auto notes = module->getAttrOfType<DictionaryAttr>(kPackingsAttr);
  StringRef key = getKey(packed);
  auto note = notes && !key.empty() ? notes.getAs<DictionaryAttr>(key)
                                    : DictionaryAttr();
  if (!note)
    return std::nullopt;
  Packing packing;
  for (auto [name, member] : kNumbers)
    if (auto number = note.getAs<IntegerAttr>(name))
      packing.*member = number.getInt();
  packing.origin = note.getAs<ElementsAttr>("origin");
  return packing;
}

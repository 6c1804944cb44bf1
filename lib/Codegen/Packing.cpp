// Notes of packed constants on the module, by the names of their resources.
#include "mopt/Codegen/Packing.h"

#include "mopt/Support/Attributes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mopt;

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
  note.append("batches", b.getI64IntegerAttr(packing.batches));
  note.append("depth", b.getI64IntegerAttr(packing.depth));
  note.append("width", b.getI64IntegerAttr(packing.width));
  note.append("columns", b.getI64IntegerAttr(packing.columns));
  note.append("interleave", b.getI64IntegerAttr(packing.interleave));
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
  auto number = [&](StringRef name) {
    return note.getAs<IntegerAttr>(name).getInt();
  };
  return Packing{number("batches"),    number("depth"),
                 number("width"),      number("columns"),
                 number("interleave"), note.getAs<ElementsAttr>("origin")};
}

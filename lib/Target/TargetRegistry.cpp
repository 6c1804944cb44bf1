// Finds machines by name, by this machine's features, or by LLVM's names.
// `native` never looks at the processor's name: virtual machines switch off
// features that the name promises.
#include "mopt/Target/TargetRegistry.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/JSON.h"
#include "llvm/TargetParser/Host.h"

using namespace mopt;

namespace mopt {
// One line per architecture, here and in the table below.
const TargetBackend &getX86Backend();
const TargetBackend &getAArch64Backend();
const TargetBackend &getNVPTXBackend();
} // namespace mopt

llvm::ArrayRef<const TargetBackend *> mopt::getTargetBackends() {
  static const TargetBackend *const backends[] = {
      &getX86Backend(), &getAArch64Backend(), &getNVPTXBackend()};
  return backends;
}

const TargetBackend *mopt::getTargetBackend(const llvm::Triple &triple) {
  for (const TargetBackend *backend : getTargetBackends())
    if (backend->handles(triple))
      return backend;
  return nullptr;
}

bool mopt::isDevice(const TargetInfo &target) {
  const TargetBackend *backend = getTargetBackend(llvm::Triple(target.triple));
  return backend && backend->isDevice();
}

static bool fits(const TargetRow &row, const llvm::StringSet<> &machine) {
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(row.features).split(features, ',', -1, /*KeepEmpty=*/false);
  return llvm::all_of(features, [&](llvm::StringRef feature) {
    return machine.contains(feature.drop_front());
  });
}

const TargetRow *mopt::findBestRow(const TargetBackend &backend,
                                   const llvm::StringSet<> &features) {
  const TargetRow *best = nullptr;
  for (const TargetRow &row : backend.getRows())
    if ((!best || row.rank > best->rank) && fits(row, features))
      best = &row;
  return best;
}

static const TargetRow *findNativeRow() {
  for (const TargetBackend *backend : getTargetBackends())
    if (std::optional<llvm::StringSet<>> host = backend->getHostFeatures())
      return findBestRow(*backend, *host);
  return nullptr;
}

llvm::Expected<TargetInfo> mopt::lookupTarget(llvm::StringRef name) {
  if (name == "native") {
    if (const TargetRow *row = findNativeRow())
      return TargetInfo(*row);
    return llvm::createStringError(
        "target 'native': no row fits this machine's features");
  }
  std::string known = "native";
  for (const TargetBackend *backend : getTargetBackends())
    for (const TargetRow &row : backend->getRows()) {
      if (name == row.name)
        return TargetInfo(row);
      known += (" " + llvm::Twine(row.name)).str();
    }
  return llvm::createStringError("unknown target '%s', expected one of: %s",
                                 name.str().c_str(), known.c_str());
}

llvm::Expected<TargetInfo> mopt::describeTarget(llvm::StringRef triple,
                                                llvm::StringRef cpu,
                                                llvm::StringRef features) {
  TargetInfo target;
  target.triple = llvm::Triple::normalize(
      triple.empty() ? llvm::sys::getDefaultTargetTriple() : triple.str());
  target.cpu = target.tune = cpu.empty() ? "generic" : cpu.str();
  llvm::Triple parsed(target.triple);
  const TargetBackend *backend = getTargetBackend(parsed);
  if (!backend || !parsed.isOSLinux() || !parsed.isOSBinFormatELF())
    return llvm::createStringError(
        "no code generator for the triple '%s', expected Linux on an "
        "architecture that --list-targets shows",
        target.triple.c_str());
  backend->initialize();
  std::string error;
  const llvm::Target *llvmTarget =
      llvm::TargetRegistry::lookupTarget(parsed, error);
  if (!llvmTarget)
    return llvm::createStringError(error);
  std::unique_ptr<llvm::MCSubtargetInfo> plain(
      llvmTarget->createMCSubtargetInfo(parsed, "", ""));
  if (!plain->isCPUStringValid(target.cpu))
    return llvm::createStringError("unknown processor '%s' for the triple '%s'",
                                   target.cpu.c_str(), target.triple.c_str());
  llvm::SmallVector<llvm::StringRef> asked;
  features.split(asked, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef feature : asked) {
    bool known = llvm::any_of(
        plain->getAllProcessorFeatures(),
        [&](const auto &entry) { return feature.drop_front() == entry.Key; });
    if (!known || !(feature[0] == '+' || feature[0] == '-'))
      return llvm::createStringError(
          "unknown feature '%s', expected '+name' or '-name' of a feature of "
          "the triple '%s'",
          feature.str().c_str(), target.triple.c_str());
  }
  // Spelled out, so that passes see what the processor's name implies.
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      llvmTarget->createMCSubtargetInfo(parsed, target.cpu, features));
  for (const auto &entry : subtarget->getEnabledProcessorFeatures())
    target.features += (target.features.empty() ? "+" : ",+") +
                       std::string(entry.Key);
  target.name = target.cpu;
  target.l1Bytes = 32768;
  target.l2Bytes = 262144;
  backend->deriveVectorShape(target);
  return target;
}

TargetInfo mopt::getBaseline(const TargetInfo &target) {
  TargetInfo baseline;
  baseline.triple = target.triple;
  const TargetBackend *backend = getTargetBackend(llvm::Triple(target.triple));
  baseline.name = baseline.cpu = backend->getBaselineCpu().str();
  baseline.tune = "generic";
  backend->deriveVectorShape(baseline);
  return baseline;
}

llvm::SmallVector<const FeatureRow *>
mopt::getRequiredFeatures(const TargetInfo &target) {
  llvm::SmallVector<const FeatureRow *> rows;
  const TargetBackend *backend = getTargetBackend(llvm::Triple(target.triple));
  if (!backend)
    return rows;
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(target.features).split(features, ',', -1, false);
  for (llvm::StringRef feature : features)
    for (const FeatureRow &row : backend->getFeatures())
      if (feature[0] == '+' && feature.drop_front() == row.name)
        rows.push_back(&row);
  return rows;
}

void mopt::printTargets(llvm::raw_ostream &os) {
  const TargetRow *native = findNativeRow();
  llvm::json::Array rows;
  for (const TargetBackend *backend : getTargetBackends())
    for (const TargetRow &row : backend->getRows()) {
      llvm::SmallVector<llvm::StringRef> features;
      llvm::StringRef(row.features).split(features, ',', -1, false);
      llvm::json::Array names;
      for (llvm::StringRef feature : features)
        names.push_back(feature.drop_front());
      rows.push_back(llvm::json::Object{
          {"name", row.name},
          {"triple", row.triple},
          {"cpu", row.cpu},
          {"tune", row.tune},
          {"features", std::move(names)},
          {"vector_bits", row.vectorBits},
          {"vector_registers", row.vectorRegisters},
          {"l1_bytes", row.l1Bytes},
          {"l2_bytes", row.l2Bytes},
      });
    }
  llvm::json::Object list{{"targets", std::move(rows)}};
  list["native"] = native ? llvm::json::Value(native->name) : nullptr;
  os << llvm::formatv("{0:2}", llvm::json::Value(std::move(list))) << "\n";
}

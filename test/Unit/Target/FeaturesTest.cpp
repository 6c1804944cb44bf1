//===- FeaturesTest.cpp - What libraries ask the processor for ------------===//
#include "Processor.h"
#include "mopt/Target/TargetRegistry.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

using namespace mopt;

/// A feature that cannot be asked for would not be missed before it traps. A
/// device's driver refuses what the device cannot run.
TEST(Features, EveryOneOfARowCanBeAskedFor) {
  for (const TargetBackend *backend : getTargetBackends()) {
    if (backend->isDevice())
      continue;
    for (const TargetRow &row : backend->getRows()) {
      TargetInfo target(row);
      size_t count = llvm::StringRef(target.features).count(',') + 1;
      EXPECT_EQ(getRequiredFeatures(target).size(), count) << row.name;
    }
  }
}

TEST(Features, RuntimeAgreesWithLLVM) {
  std::optional<llvm::StringSet<>> host;
  const TargetBackend *native = nullptr;
  for (const TargetBackend *backend : getTargetBackends())
    if ((host = backend->getHostFeatures())) {
      native = backend;
      break;
    }
  if (!native)
    GTEST_SKIP() << "a machine without backend";
  // LLVM has names for more, and leaves out what it does not know.
  llvm::StringMap<bool> known = llvm::sys::getHostCPUFeatures();
  int compared = 0;
  MoptProcessor processor = {};
  for (const FeatureRow &row : native->getFeatures()) {
    if (!known.contains(row.name))
      continue;
    MoptFeature feature = {row.leaf, row.subleaf, row.word, row.bit, row.state};
    EXPECT_EQ(mopt_rt_has_feature(&processor, &feature),
              int(host->contains(row.name)))
        << row.name;
    ++compared;
    if (row.state) {
      // A part of the state that no system saves yet.
      feature.state |= uint64_t(1) << 62;
      EXPECT_EQ(mopt_rt_has_feature(&processor, &feature), 0) << row.name;
    }
  }
  EXPECT_GT(compared, 10);
}

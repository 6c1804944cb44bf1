//===- RowsTest.cpp - Which row a machine takes ---------------------------===//
#include "mopt/Target/TargetRegistry.h"
#include "gtest/gtest.h"

using namespace mopt;

static llvm::StringSet<> getFeatures(llvm::StringRef row) {
  llvm::Expected<TargetInfo> target = lookupTarget(row);
  llvm::StringSet<> features;
  if (!target) {
    ADD_FAILURE() << llvm::toString(target.takeError());
    return features;
  }
  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef(target->features).split(names, ',');
  for (llvm::StringRef name : names)
    features.insert(name.drop_front());
  return features;
}

static std::string findBest(llvm::StringRef triple,
                            const llvm::StringSet<> &features) {
  const TargetRow *row =
      findBestRow(*getTargetBackend(llvm::Triple(triple)), features);
  return row ? row->name : "";
}

/// No row is hidden by one of a higher rank that asks for no more, but those of
/// equal features.
TEST(Rows, MachineOfARowTakesIt) {
  for (const TargetBackend *backend : getTargetBackends())
    for (const TargetRow &row : backend->getRows()) {
      const TargetRow *best = findBestRow(*backend, getFeatures(row.name));
      ASSERT_TRUE(best);
      EXPECT_EQ(llvm::StringRef(best->features), row.features) << row.name;
    }
}

TEST(Rows, MachinesThatLackWhatTheirNamePromises) {
  llvm::StringRef triple = "x86_64-unknown-linux-gnu";
  llvm::StringSet<> features = getFeatures("sapphirerapids");
  features.erase("amx-int8");
  EXPECT_EQ(findBest(triple, features), "avx10.1");
  features.erase("avx512fp16");
  EXPECT_EQ(findBest(triple, features), "znver4");
  features.erase("avx512bf16");
  EXPECT_EQ(findBest(triple, features), "icelake-server");
  features.erase("avx512vnni");
  EXPECT_EQ(findBest(triple, features), "x86-64-v4");
  features.erase("avx512f");
  EXPECT_EQ(findBest(triple, features), "x86-64-v3");
  features.erase("fma");
  EXPECT_EQ(findBest(triple, features), "x86-64-v2");
  features.erase("sse4.1");
  EXPECT_EQ(findBest(triple, features), "");
}

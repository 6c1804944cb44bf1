/* features.c: what CPUID says, and XGETBV of what the operating system saves.
 */
#include "Processor.h"
#include <cpuid.h>
#include <string.h>

enum { OSXSAVE = 1 << 27 };

/* Asks a leaf of CPUID. One beyond the last one answers with another's bits,
 * and so does a subleaf beyond those that subleaf 0 counts: zeros in their
 * place. */
static void ask(uint32_t leaf, uint32_t subleaf, uint32_t words[4]) {
  words[0] = words[1] = words[2] = words[3] = 0;
  if (__get_cpuid_max(leaf & 0x80000000u, NULL) < leaf)
    return;
  if (subleaf) {
    __cpuid_count(leaf, 0, words[0], words[1], words[2], words[3]);
    if (subleaf > words[0]) {
      words[0] = words[1] = words[2] = words[3] = 0;
      return;
    }
  }
  __cpuid_count(leaf, subleaf, words[0], words[1], words[2], words[3]);
}

static uint32_t word_of(MoptProcessor *processor, uint32_t leaf,
                        uint32_t subleaf, uint32_t word) {
  for (uint32_t i = 0; i < processor->count; ++i)
    if (processor->answers[i].leaf == leaf &&
        processor->answers[i].subleaf == subleaf)
      return processor->answers[i].words[word];
  uint32_t words[4];
  ask(leaf, subleaf, words);
  if (processor->count <
      sizeof(processor->answers) / sizeof(processor->answers[0])) {
    uint32_t i = processor->count++;
    processor->answers[i].leaf = leaf;
    processor->answers[i].subleaf = subleaf;
    memcpy(processor->answers[i].words, words, sizeof(words));
  }
  return words[word];
}

static uint64_t saved_state(MoptProcessor *processor) {
  if (!(word_of(processor, 1, 0, 2) & OSXSAVE))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

int mopt_rt_has_feature(MoptProcessor *processor, const MoptFeature *feature) {
  uint32_t word =
      word_of(processor, feature->leaf, feature->subleaf, feature->word);
  if (!(word >> feature->bit & 1))
    return 0;
  return !feature->state ||
         (saved_state(processor) & feature->state) == feature->state;
}

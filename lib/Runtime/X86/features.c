/* features.c: what CPUID says, and XGETBV of what the operating system saves.
 */
#include "Processor.h"
#include <cpuid.h>

enum { OSXSAVE = 1 << 27 };

static uint64_t saved_state(void) {
  uint32_t eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & OSXSAVE))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

int mopt_rt_has_feature(const MoptFeature *feature) {
  uint32_t words[4];
  /* A leaf beyond the last one answers with another's bits, and so does a
   * subleaf of the leaf that counts its own. */
  if (feature->subleaf &&
      (!__get_cpuid_count(feature->leaf, 0, &words[0], &words[1], &words[2],
                          &words[3]) ||
       feature->subleaf > words[0]))
    return 0;
  if (!__get_cpuid_count(feature->leaf, feature->subleaf, &words[0], &words[1],
                         &words[2], &words[3]) ||
      !(words[feature->word] >> feature->bit & 1))
    return 0;
  return !feature->state || (saved_state() & feature->state) == feature->state;
}

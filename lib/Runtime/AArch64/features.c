/* features.c: what the kernel says of the processor in the auxiliary vector. It
 * names a feature only if it saves the state that comes with it. */
#include "Processor.h"
#include <sys/auxv.h>

int mopt_rt_has_feature(MoptProcessor *processor, const MoptFeature *feature) {
  (void)processor;
  return getauxval(feature->leaf) >> feature->bit & 1;
}

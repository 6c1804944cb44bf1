/* Processor.h: what each architecture's folder tells of the processor. */
#ifndef MOPT_RUNTIME_PROCESSOR_H
#define MOPT_RUNTIME_PROCESSOR_H

#include "Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What the processor has answered so far. In a virtual machine each question
/// takes microseconds, and most features share an answer. Starts from zeros.
typedef struct MoptProcessor {
  uint32_t count;
  struct {
    uint32_t leaf, subleaf, words[4];
  } answers[8];
} MoptProcessor;

/// 1 if the processor has `feature` and the operating system saves the state
/// that comes with it.
int mopt_rt_has_feature(MoptProcessor *processor, const MoptFeature *feature);

/// Asks the operating system for a part of the processor's state
/// (MoptModelDesc.processor_state) on behalf of all threads; 0 if it refuses.
int mopt_rt_request_state(int64_t state);

#ifdef __cplusplus
}
#endif

#endif

/* variants.c: which of a library's variants a model is made of: the first one
 * whose needs this machine meets, or the one that MOPT_TARGET names. Compiled
 * for any machine of the architecture, as the whole runtime is. */
#include "Model.h"
#include "Processor.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds a word to a list with blanks in between. */
static void append(char *list, size_t room, const char *word) {
  size_t length = strlen(list);
  snprintf(list + length, room - length, "%s%s", length ? " " : "", word);
}

/* Lists the features of `desc` that this machine lacks; 0 if there are any. */
static int has_features(MoptProcessor *processor, const MoptModelDesc *desc,
                        char *missing, size_t room) {
  const char *name = desc->feature_names;
  int complete = 1;
  missing[0] = '\0';
  for (int64_t i = 0; i < desc->feature_count; ++i) {
    if (!mopt_rt_has_feature(processor, &desc->features[i])) {
      complete = 0;
      append(missing, room, name);
    }
    name += strlen(name) + 1;
  }
  return complete;
}

static int has_state(const MoptModelDesc *desc) {
  return !desc->processor_state || mopt_rt_request_state(desc->processor_state);
}

/* Says what `desc` needs in vain; `prefix` and `advice` go around it. */
static void explain(MoptProcessor *processor, const MoptModelDesc *desc,
                    const char *prefix, const char *advice, MoptRun *run) {
  char missing[MOPT_ERROR_BYTES / 2];
  if (has_features(processor, desc, missing, sizeof(missing)))
    mopt_rt_error(run, MOPT_UNSUPPORTED,
                  "%scode for '%s' needs registers for matrices, which the "
                  "operating system refuses%s",
                  prefix, desc->target, advice);
  else
    mopt_rt_error(run, MOPT_UNSUPPORTED,
                  "%scode for '%s' needs %s, which this processor lacks or "
                  "its operating system does not save%s",
                  prefix, desc->target, missing, advice);
}

static void reject_name(const MoptModelDesc *first, const char *asked,
                        MoptRun *run) {
  char names[MOPT_ERROR_BYTES / 2] = "";
  for (const MoptModelDesc *desc = first; desc; desc = desc->next)
    append(names, sizeof(names), desc->target);
  mopt_rt_error(run, MOPT_UNSUPPORTED,
                "MOPT_TARGET: expected one of: %s, found '%s'", names, asked);
}

/* What MOPT_TARGET asks for, null for nothing. */
static const char *asked_target(const MoptModelDesc *first) {
  /* A library of one variant has nothing to choose. */
  const char *asked = first->next ? secure_getenv("MOPT_TARGET") : NULL;
  return asked && *asked ? asked : NULL;
}

/* A device is enough of a name where its host does not matter. Neither strncmp
 * nor memcmp, which becomes bcmp: symbols more to import. */
static int is_named(const MoptModelDesc *desc, const char *asked) {
  const char *name = desc->target;
  while (*asked && *name == *asked)
    ++name, ++asked;
  return !*asked && (!*name || (desc->device && *name == ','));
}

int mopt_rt_variant_is_forced(const MoptModelDesc *first) {
  return asked_target(first) != NULL;
}

const MoptModelDesc *mopt_rt_choose_variant(const MoptModelDesc *first,
                                            int on_processor, MoptRun *run) {
  const char *asked = asked_target(first);
  char missing[MOPT_ERROR_BYTES / 2];
  MoptProcessor processor;
  memset(&processor, 0, sizeof(processor));
  const MoptModelDesc *last = NULL;
  for (const MoptModelDesc *desc = first; desc; desc = desc->next) {
    if (asked ? !is_named(desc, asked)
              : (on_processor || !first->device) != !desc->device)
      continue;
    last = desc;
    if (has_features(&processor, desc, missing, sizeof(missing)) &&
        has_state(desc))
      return desc;
  }
  if (asked && last)
    explain(&processor, last, "MOPT_TARGET: ", "", run);
  else if (asked)
    reject_name(first, asked, run);
  else if (last)
    explain(&processor, last,
            first->next ? "no code of the library fits this machine: " : "",
            "; compile for a smaller target", run);
  else
    mopt_rt_error(run, MOPT_UNSUPPORTED,
                  "the library has no code for processors alone; compile it "
                  "with --fallback=processor");
  return NULL;
}

const char *mopt_rt_target(const MoptModel *model) {
  return model ? model->desc->target : NULL;
}

//===- RunModel.h - What mopt-run does --------------------------*- C++ -*-===//
#ifndef MOPT_TOOLS_MOPT_RUN_RUNMODEL_H
#define MOPT_TOOLS_MOPT_RUN_RUNMODEL_H

#include "Options.h"

namespace mopt_run {

/// Loads, runs, checks and reports. The exit code; errors go to stderr.
int runModel(const Options &options);

} // namespace mopt_run

#endif

//===- Inputs.h - The inputs of a run ---------------------------*- C++ -*-===//
#ifndef MOPT_TOOLS_MOPT_RUN_INPUTS_H
#define MOPT_TOOLS_MOPT_RUN_INPUTS_H

#include "Array.h"
#include "Options.h"
#include <optional>

namespace mopt_run {

/// Reads `files` and assigns their arrays to `specs`, by name where the option
/// or the file has one of the model's, else in order. "" or the reason.
std::string assignFiles(const std::vector<FileOption> &files,
                        const std::string &folderPrefix,
                        const MoptTensorSpec *specs, int32_t count,
                        std::vector<std::optional<Array>> &arrays);

/// All inputs of the model: from files, else random. "" or the reason.
std::string makeInputs(const Options &options, const MoptModelApi &api,
                       std::vector<Array> &inputs);

/// The same values on every machine for a seed and an input's place: numbers
/// in `range`, integers rounded down.
std::string fillRandom(Array &array, uint64_t seed, Range range);

} // namespace mopt_run

#endif

//===- Inputs.cpp - From files and shapes to input tensors ----------------===//
#include "Inputs.h"
#include "TensorFiles.h"
#include <cstring>

using namespace mopt_run;

static int32_t findSpec(const MoptTensorSpec *specs, int32_t count,
                        const std::string &name) {
  for (int32_t i = 0; i < count; ++i)
    if (name == specs[i].name)
      return i;
  return -1;
}

std::string mopt_run::assignFiles(const std::vector<FileOption> &files,
                                  const std::string &folderPrefix,
                                  const MoptTensorSpec *specs, int32_t count,
                                  std::vector<std::optional<Array>> &arrays) {
  arrays.assign(size_t(count), std::nullopt);
  for (const FileOption &file : files) {
    std::vector<NamedArray> read;
    std::string error = readArrays(file.path, folderPrefix, read);
    if (!error.empty())
      return "'" + file.path + "': " + error;
    for (NamedArray &named : read) {
      const std::string &name = file.name.empty() ? named.name : file.name;
      int32_t index = findSpec(specs, count, name);
      if (index < 0 && !file.name.empty())
        return "the model has no " + folderPrefix + " '" + name + "'";
      for (int32_t i = 0; i < count && index < 0; ++i)
        if (!arrays[i])
          index = i;
      if (index < 0)
        return "'" + file.path + "': expected " + std::to_string(count) + " " +
               folderPrefix + "s, found more";
      error = convertTo(specs[index].dtype, named.array);
      if (!error.empty())
        return folderPrefix + " '" + specs[index].name + "': " + error;
      arrays[index] = std::move(named.array);
    }
  }
  return "";
}

/// The dimensions for an input without a file.
static std::string chooseDims(const Options &options,
                              const MoptTensorSpec &spec,
                              std::vector<int64_t> &dims) {
  auto shape = options.shapes.find(spec.name);
  if (shape != options.shapes.end()) {
    dims = shape->second;
    return "";
  }
  for (int32_t i = 0; i < spec.rank; ++i) {
    int64_t dim = spec.dims[i];
    const char *name = spec.dim_names[i];
    auto given = options.dims.find(name ? name : "");
    if (dim < 0 && given != options.dims.end())
      dim = given->second;
    if (dim < 0)
      return "dimension " + std::to_string(i) +
             (name ? " ('" + std::string(name) + "')" : "") +
             " is dynamic; give --shape" +
             (name ? " or --dim=" + std::string(name) + "=N" : "");
    dims.push_back(dim);
  }
  return "";
}

static std::string makeRandom(const Options &options,
                              const MoptTensorSpec &spec, int32_t index,
                              Array &array) {
  std::string error = chooseDims(options, spec, array.dims);
  if (!error.empty())
    return error;
  array.dtype = spec.dtype;
  const ElementType *type = findElementType(spec.dtype);
  if (!type)
    return "no random values for its element type";
  bool real = strstr(type->name, "float") || strstr(type->name, "complex");
  auto range = options.ranges.find(spec.name);
  return fillRandom(array, options.seed * 1000003 + uint64_t(index),
                    range != options.ranges.end() ? range->second
                    : real                        ? Range{-1, 1}
                    : type->dtype == MOPT_BOOL    ? Range{0, 2}
                                                  : Range{0, 10});
}

/// Names in options that the model lacks are mistakes.
static std::string checkNames(const Options &options, const MoptModelApi &api) {
  std::vector<std::string> names;
  for (const auto &shape : options.shapes)
    names.push_back(shape.first);
  for (const auto &range : options.ranges)
    names.push_back(range.first);
  for (const std::string &name : names)
    if (findSpec(api.inputs, api.input_count, name) < 0)
      return "the model has no input '" + name + "'";
  for (const auto &dim : options.dims) {
    bool found = false;
    for (int32_t i = 0; i < api.input_count; ++i)
      for (int32_t d = 0; d < api.inputs[i].rank; ++d)
        found |= api.inputs[i].dim_names[d] &&
                 dim.first == api.inputs[i].dim_names[d];
    if (!found)
      return "no input of the model has a dimension '" + dim.first + "'";
  }
  return "";
}

std::string mopt_run::makeInputs(const Options &options,
                                 const MoptModelApi &api,
                                 std::vector<Array> &inputs) {
  std::string error = checkNames(options, api);
  if (!error.empty())
    return error;
  std::vector<std::optional<Array>> given;
  error =
      assignFiles(options.inputs, "input", api.inputs, api.input_count, given);
  if (!error.empty())
    return error;
  for (int32_t i = 0; i < api.input_count; ++i) {
    Array array;
    if (given[i])
      array = std::move(*given[i]);
    else if (options.random)
      error = makeRandom(options, api.inputs[i], i, array);
    else
      error = "expected a file, found none; give --input or --random";
    if (!error.empty())
      return "input '" + std::string(api.inputs[i].name) + "': " + error;
    inputs.push_back(std::move(array));
  }
  return "";
}

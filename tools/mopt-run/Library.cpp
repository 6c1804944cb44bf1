//===- Library.cpp - Loading and calling a compiled model -----------------===//
#include "Library.h"
#include <cstddef>
#include <cstring>
#include <dlfcn.h>

using namespace mopt_run;

Library::~Library() {
  if (api) {
    api->context_destroy(context);
    api->destroy(model);
  }
  if (handle)
    dlclose(handle);
}

static ExitCode exitCodeOf(MoptStatus status) {
  switch (status) {
  case MOPT_OK:
    return exitOk;
  case MOPT_UNSUPPORTED:
    return exitUnsupported;
  case MOPT_INTERNAL:
    return exitInternal;
  default:
    return exitBadInput;
  }
}

ExitCode Library::load(const std::string &path, const std::string &entry) {
  // Without a slash, dlopen searches elsewhere.
  std::string file = path.find('/') == path.npos ? "./" + path : path;
  handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    error = dlerror();
    return exitBadInput;
  }
  std::string symbol = entry.empty() ? "mopt_model" : "mopt_model_" + entry;
  auto function = MoptModelFunction(dlsym(handle, symbol.c_str()));
  if (!function) {
    error = "expected a function '" + symbol + "' in the library, found none";
    if (entry.empty())
      error += "; choose one with --entry";
    return exitBadInput;
  }
  api = function();
  if (!api) {
    error = "the library's description of the model is damaged";
    return exitInternal;
  }
  if (api->abi_version != MOPT_MODEL_ABI_VERSION ||
      api->struct_bytes < offsetof(MoptModelApi, profile)) {
    error = "expected a library of ABI version " +
            std::to_string(MOPT_MODEL_ABI_VERSION) + ", found " +
            std::to_string(api->abi_version);
    api = nullptr;
    return exitUnsupported;
  }
  return exitOk;
}

ExitCode Library::create(const Options &options) {
  char reason[512] = "";
  MoptModelOptions chosen = {};
  chosen.struct_bytes = sizeof(chosen);
  chosen.threads = options.threads;
  chosen.spin_us = options.spinUs;
  chosen.weights_path =
      options.weights.empty() ? nullptr : options.weights.c_str();
  chosen.error = reason;
  chosen.error_bytes = sizeof(reason);
  chosen.device = options.device;
  chosen.fallback = options.fallback;
  // Libraries of earlier times refuse a longer struct.
  if (!options.device && !options.fallback)
    chosen.struct_bytes = offsetof(MoptModelOptions, device);
  MoptStatus status = api->create(&chosen, &model);
  if (status == MOPT_OK)
    status = api->context_create(model, &context);
  if (status != MOPT_OK)
    error = *reason ? reason : api->status_name(status);
  return exitCodeOf(status);
}

ExitCode Library::run(const std::vector<MoptTensor> &inputs,
                      std::vector<MoptTensor> &outputs) {
  MoptStatus status = api->run(context, inputs.data(), inputs.size(),
                               outputs.data(), outputs.size());
  if (status != MOPT_OK)
    error = api->last_error(context);
  return exitCodeOf(status);
}

std::vector<MoptKernelProfile> Library::profile() const {
  // Libraries of earlier times have no such function.
  bool known =
      api->struct_bytes > offsetof(MoptModelApi, profile) && api->profile;
  std::vector<MoptKernelProfile> kernels(
      known ? size_t(api->profile(context, nullptr, 0)) : 0);
  if (!kernels.empty())
    api->profile(context, kernels.data(), int32_t(kernels.size()));
  return kernels;
}

std::string Library::target() const {
  bool known =
      api->struct_bytes > offsetof(MoptModelApi, target) && api->target;
  const char *name = known ? api->target(model) : nullptr;
  return name ? name : "";
}

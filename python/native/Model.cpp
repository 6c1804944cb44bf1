// Calls a library through Model.h: inputs are read in place, outputs written
// into new arrays where their shapes are known before the run, and copied out
// of the context's memory where they depend on values. The GIL is released for
// the run.
#include "Model.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstring>

namespace nb = nanobind;

namespace mopt::python {
namespace {

/// One output of a run: where its result goes.
struct Output {
  nb::object array;
  Buffer buffer;
  std::vector<int64_t> dims;
};

[[noreturn]] void raiseOSError(const char *message) {
  PyErr_SetString(PyExc_OSError, message);
  throw nb::python_error();
}

nb::object shapeTuple(const std::vector<int64_t> &dims) {
  PyObject *tuple = PyTuple_New(static_cast<Py_ssize_t>(dims.size()));
  for (size_t axis = 0; axis < dims.size(); ++axis)
    PyTuple_SET_ITEM(tuple, axis, PyLong_FromLongLong(dims[axis]));
  return nb::steal(tuple);
}

bool anyUnknown(const std::vector<int64_t> &dims) {
  for (int64_t size : dims)
    if (size < 0)
      return true;
  return false;
}

} // namespace

/// What one input's tensor points to.
struct Model::Input {
  nb::object owner;
  Buffer buffer;
  std::vector<int64_t> dims;
  std::vector<const char *> texts;
};

Model::Model(const std::string &path, int threads,
             const std::string &weightsPath, int device, bool fallBack) {
  // Local: libraries that were compiled alike do not see each other's symbols.
  library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    raiseOSError(dlerror());
  auto function =
      reinterpret_cast<MoptModelFunction>(dlsym(library, "mopt_model"));
  if (!function) {
    std::string message =
        "'" + path + "' is no compiled model: it has no 'mopt_model'";
    dlclose(library);
    raiseOSError(message.c_str());
  }
  api = function();
  if (!api || api->abi_version != MOPT_MODEL_ABI_VERSION) {
    std::string found = api ? std::to_string(api->abi_version) : "none";
    dlclose(library);
    throw RunFailure("'" + path + "': expected ABI version " +
                         std::to_string(MOPT_MODEL_ABI_VERSION) + ", found " +
                         found,
                     "MOPT_UNSUPPORTED");
  }
  char reason[1024] = "";
  MoptModelOptions options = {};
  options.struct_bytes = sizeof(options);
  options.threads = threads;
  options.weights_path = weightsPath.empty() ? nullptr : weightsPath.c_str();
  options.error = reason;
  options.error_bytes = sizeof(reason);
  options.device = device;
  options.fallback = fallBack ? MOPT_FALLBACK_PROCESSOR : MOPT_FALLBACK_NONE;
  // Libraries of earlier times refuse a longer struct.
  if (!device && !fallBack)
    options.struct_bytes = offsetof(MoptModelOptions, device);
  MoptStatus status = api->create(&options, &model);
  if (status != MOPT_OK) {
    std::string text = statusName(status);
    RunFailure failure("'" + path + "': " + (reason[0] ? reason : text.c_str()),
                       text);
    dlclose(library);
    throw failure;
  }
}

std::string Model::target() const {
  const MoptModelApi *table = live();
  bool known =
      table->struct_bytes > offsetof(MoptModelApi, target) && table->target;
  const char *name = known ? table->target(model) : nullptr;
  return name ? name : "";
}

void Model::close() {
  if (!model)
    return;
  for (MoptContext *context : contexts)
    api->context_destroy(context);
  api->destroy(model);
  dlclose(library);
  model = nullptr;
}

const MoptModelApi *Model::live() const {
  if (!model)
    throw RunFailure("the session is closed", "MOPT_INVALID_ARGUMENT");
  return api;
}

std::string Model::statusName(MoptStatus status) const {
  return api->status_name(status);
}

nb::list Model::specs(bool ofInputs) const {
  const MoptTensorSpec *specs = ofInputs ? live()->inputs : live()->outputs;
  int32_t count = ofInputs ? api->input_count : api->output_count;
  nb::list result;
  for (int32_t index = 0; index < count; ++index) {
    const MoptTensorSpec &spec = specs[index];
    nb::list dims;
    for (int32_t axis = 0; axis < spec.rank; ++axis) {
      const char *name = spec.dim_names ? spec.dim_names[axis] : nullptr;
      if (spec.dims[axis] >= 0)
        dims.append(spec.dims[axis]);
      else
        dims.append(name ? nb::object(nb::str(name)) : nb::none());
    }
    result.append(nb::make_tuple(nb::str(spec.name), spec.dtype,
                                 nb::tuple(dims),
                                 bool(spec.flags & MOPT_SPEC_DATA_DEPENDENT)));
  }
  return result;
}

MoptContext *Model::acquireContext() {
  std::lock_guard<std::mutex> lock(mutex);
  if (!idle.empty()) {
    MoptContext *context = idle.back();
    idle.pop_back();
    return context;
  }
  MoptContext *context = nullptr;
  MoptStatus status = api->context_create(model, &context);
  if (status != MOPT_OK)
    throw RunFailure("could not create a context", statusName(status));
  contexts.push_back(context);
  return context;
}

nb::list Model::run(nb::list values, nb::handle normalize) {
  const size_t inputCount = live()->input_count,
               outputCount = api->output_count;
  std::vector<Input> inputs(inputCount);
  std::vector<MoptTensor> in(inputCount), out(outputCount);
  std::vector<int64_t> inputDims;
  for (size_t index = 0; index < inputCount; ++index) {
    Input &input = inputs[index];
    const MoptDType dtype = api->inputs[index].dtype;
    nb::handle value = values[index];
    if (!isPacked(dtype) && input.buffer.acquire(value, dtype)) {
      for (int axis = 0; axis < input.buffer.rank(); ++axis)
        input.dims.push_back(input.buffer.size(axis));
    } else {
      nb::tuple pair = nb::cast<nb::tuple>(normalize(index, value));
      for (nb::handle size : nb::cast<nb::tuple>(pair[1]))
        input.dims.push_back(nb::cast<int64_t>(size));
      input.owner = pair[0];
      if (dtype == MOPT_STRING) {
        for (nb::handle text : nb::cast<nb::list>(input.owner))
          input.texts.push_back(nb::cast<nb::bytes>(text).c_str());
      } else if (!input.buffer.acquire(input.owner, dtype)) {
        throw nb::type_error("an input has no buffer of the expected type");
      }
    }
    MoptTensor &tensor = in[index];
    tensor.data =
        dtype == MOPT_STRING ? (void *)input.texts.data() : input.buffer.data();
    tensor.capacity_bytes = dtype == MOPT_STRING
                                ? 8 * (int64_t)input.texts.size()
                                : input.buffer.bytes();
    tensor.dims = input.dims.data();
    tensor.rank = static_cast<int32_t>(input.dims.size());
    tensor.dtype = dtype;
    inputDims.insert(inputDims.end(), input.dims.begin(), input.dims.end());
  }

  // Where the dimensions do not fit, the run says why: no buffers are needed.
  size_t outputRanks = 0, inputRanks = 0;
  for (size_t index = 0; index < outputCount; ++index)
    outputRanks += api->outputs[index].rank;
  for (size_t index = 0; index < inputCount; ++index)
    inputRanks += api->inputs[index].rank;
  std::vector<int64_t> outputDims(outputRanks, -1);
  bool ranksFit = inputRanks == inputDims.size();
  for (size_t index = 0; index < inputCount; ++index)
    ranksFit &= in[index].rank == api->inputs[index].rank;
  bool known = ranksFit && api->infer_output_dims(model, inputDims.data(),
                                                  outputDims.data()) == MOPT_OK;

  std::vector<Output> outputs(outputCount);
  const int64_t *next = outputDims.data();
  for (size_t index = 0; index < outputCount; ++index) {
    const MoptTensorSpec &spec = api->outputs[index];
    Output &output = outputs[index];
    output.dims.assign(next, next + spec.rank);
    next += spec.rank;
    MoptTensor &tensor = out[index];
    tensor.dtype = spec.dtype;
    if (!known || anyUnknown(output.dims) || spec.dtype == MOPT_STRING)
      continue;
    output.array = newArray(spec.dtype, output.dims);
    if (!output.buffer.acquire(output.array, spec.dtype))
      throw nb::type_error("an output has no buffer of the expected type");
    tensor.data = output.buffer.data();
    tensor.capacity_bytes = output.buffer.bytes();
    tensor.dims = output.dims.data();
    tensor.rank = spec.rank;
  }

  Lease context(*this);
  MoptStatus status;
  {
    nb::gil_scoped_release unlocked;
    status = api->run(context.context, in.data(), inputCount, out.data(),
                      outputCount);
  }
  if (status != MOPT_OK) {
    const char *message = api->last_error(context.context);
    throw RunFailure(message && *message ? message : statusName(status),
                     statusName(status));
  }

  nb::list results;
  for (size_t index = 0; index < outputCount; ++index) {
    Output &output = outputs[index];
    const MoptTensor &tensor = out[index];
    const MoptDType dtype = api->outputs[index].dtype;
    output.dims.assign(tensor.dims, tensor.dims + tensor.rank);
    int64_t count = 1;
    for (int64_t size : output.dims)
      count *= size;
    if (dtype == MOPT_STRING) {
      nb::list texts;
      for (int64_t i = 0; i < count; ++i)
        texts.append(nb::str(static_cast<const char *const *>(tensor.data)[i]));
      results.append(nb::make_tuple(texts, shapeTuple(output.dims)));
      continue;
    }
    if (!output.array) {
      // The context's memory is good until its next run.
      output.array = newArray(dtype, output.dims);
      if (output.buffer.acquire(output.array, dtype) && count)
        std::memcpy(output.buffer.data(), tensor.data, byteCount(dtype, count));
    }
    if (isPacked(dtype))
      results.append(nb::make_tuple(output.array, shapeTuple(output.dims)));
    else
      results.append(output.array);
  }
  return results;
}

} // namespace mopt::python

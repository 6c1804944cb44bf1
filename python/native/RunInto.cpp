// Runs on arrays of any library that has DLPack, where they lie: those of the
// host, or of the device that the model runs on.
#include "Model.h"

#include <nanobind/ndarray.h>

#include <cstddef>

namespace nb = nanobind;

namespace mopt::python {
namespace {

/// The default stream, after which a run has to begin where arrays lie on a
/// device and no stream is given: who fills them there may not have waited.
/// CU_STREAM_LEGACY of the driver.
constexpr std::uintptr_t defaultStream = 1;

/// DLPack's type of elements that are plain there; its bits are 0 for others.
nb::dlpack::dtype getType(MoptDType dtype) {
  using Code = nb::dlpack::dtype_code;
  auto make = [](Code code, int bits) {
    return nb::dlpack::dtype{static_cast<uint8_t>(code),
                             static_cast<uint8_t>(bits), 1};
  };
  switch (dtype) {
  case MOPT_FLOAT16:
    return make(Code::Float, 16);
  case MOPT_FLOAT32:
    return make(Code::Float, 32);
  case MOPT_FLOAT64:
    return make(Code::Float, 64);
  case MOPT_BFLOAT16:
    return make(Code::Bfloat, 16);
  case MOPT_INT8:
    return make(Code::Int, 8);
  case MOPT_INT16:
    return make(Code::Int, 16);
  case MOPT_INT32:
    return make(Code::Int, 32);
  case MOPT_INT64:
    return make(Code::Int, 64);
  case MOPT_UINT8:
    return make(Code::UInt, 8);
  case MOPT_UINT16:
    return make(Code::UInt, 16);
  case MOPT_UINT32:
    return make(Code::UInt, 32);
  case MOPT_UINT64:
    return make(Code::UInt, 64);
  case MOPT_BOOL:
    return make(Code::Bool, 8);
  case MOPT_COMPLEX64:
    return make(Code::Complex, 64);
  case MOPT_COMPLEX128:
    return make(Code::Complex, 128);
  default:
    return make(Code::Float, 0);
  }
}

template <typename Array> bool isRowMajor(const Array &array) {
  int64_t expected = 1;
  for (size_t axis = array.ndim(); axis-- > 0;) {
    if (array.shape(axis) > 1 && array.stride(axis) != expected)
      return false;
    expected *= static_cast<int64_t>(array.shape(axis));
  }
  return true;
}

/// What a tensor points to.
template <typename Array> struct Argument {
  Array array;
  std::vector<int64_t> dims;
};

/// Takes hold of `value` for `spec`. Whether it lies on a device.
template <typename Array>
bool take(nb::handle value, const MoptTensorSpec &spec,
          Argument<Array> &argument, MoptTensor &tensor) {
  auto fail = [&](const char *what) {
    std::string message = "'" + std::string(spec.name) + "': expected " + what;
    throw nb::type_error(message.c_str());
  };
  if (!nb::try_cast(value, argument.array))
    fail("an array with DLPack that can be used in place");
  Array &array = argument.array;
  nb::dlpack::dtype type = getType(spec.dtype);
  if (!type.bits || !(array.dtype() == type))
    fail("elements of the model's type");
  if (!isRowMajor(array))
    fail("elements one after the other");
  for (size_t axis = 0; axis < array.ndim(); ++axis)
    argument.dims.push_back(static_cast<int64_t>(array.shape(axis)));
  tensor.data = const_cast<void *>(static_cast<const void *>(array.data()));
  tensor.dims = argument.dims.data();
  tensor.capacity_bytes = static_cast<int64_t>(array.nbytes());
  tensor.rank = static_cast<int32_t>(array.ndim());
  tensor.dtype = spec.dtype;
  return array.device_type() != nb::device::cpu::value;
}

} // namespace

void Model::runInto(nb::list values, nb::list results, std::uintptr_t stream) {
  const MoptModelApi *table = live();
  if (table->struct_bytes <= offsetof(MoptModelApi, run_with) ||
      !table->run_with)
    throw RunFailure("the library is of an earlier time", "MOPT_UNSUPPORTED");
  std::vector<Argument<nb::ndarray<nb::ro>>> sources(values.size());
  std::vector<Argument<nb::ndarray<>>> targets(results.size());
  std::vector<MoptTensor> inputs(values.size()), outputs(results.size());
  bool onDevice = false;
  for (size_t i = 0; i < sources.size(); ++i)
    onDevice |= take(values[i], table->inputs[i], sources[i], inputs[i]);
  for (size_t i = 0; i < targets.size(); ++i)
    onDevice |= take(results[i], table->outputs[i], targets[i], outputs[i]);
  std::vector<std::vector<int64_t>> shapes;
  for (Argument<nb::ndarray<>> &target : targets)
    shapes.push_back(target.dims);

  MoptRunOptions options = {};
  options.struct_bytes = sizeof(options);
  if (onDevice && !stream)
    stream = defaultStream;
  options.stream = reinterpret_cast<void *>(stream);
  Lease context(*this);
  MoptStatus status;
  {
    nb::gil_scoped_release unlocked;
    status = table->run_with(context.context, inputs.data(), inputs.size(),
                             outputs.data(), outputs.size(), &options);
  }
  if (status != MOPT_OK) {
    const char *message = table->last_error(context.context);
    throw RunFailure(message && *message ? message : statusName(status),
                     statusName(status));
  }
  for (size_t i = 0; i < targets.size(); ++i)
    if (targets[i].dims != shapes[i]) {
      std::string message = "'" + std::string(table->outputs[i].name) +
                            "': the result has another shape than the array";
      throw nb::value_error(message.c_str());
    }
}

} // namespace mopt::python

// Loads a small library and times its runs.
#include "LayerTimer.h"

#include <chrono>
#include <cstring>
#include <random>

using namespace mopt;

/// Of a value that may be loaded as a vector.
static constexpr size_t kAlignment = 64;
static constexpr size_t kLineBytes = 64;

LayerTimer::~LayerTimer() {
  if (api) {
    api->context_destroy(context);
    api->destroy(model);
  }
  if (library.isValid())
    llvm::sys::DynamicLibrary::closeLibrary(library);
}

llvm::Expected<std::unique_ptr<LayerTimer>> LayerTimer::load(const char *path) {
  std::unique_ptr<LayerTimer> timer(new LayerTimer);
  std::string error;
  timer->library = llvm::sys::DynamicLibrary::getLibrary(path, &error);
  if (!timer->library.isValid())
    return llvm::createStringError(error);
  auto function = reinterpret_cast<MoptModelFunction>(
      timer->library.getAddressOfSymbol("mopt_model"));
  if (!function || !(timer->api = function()))
    return llvm::createStringError("the library has no model");
  if (llvm::Error created = timer->create())
    return created;
  timer->fillInputs();
  return timer;
}

llvm::Error LayerTimer::create() {
  char reason[512] = "";
  MoptModelOptions options = {};
  options.struct_bytes = sizeof(options);
  options.threads = 1;
  options.error = reason;
  options.error_bytes = sizeof(reason);
  MoptStatus status = api->create(&options, &model);
  if (status == MOPT_OK)
    status = api->context_create(model, &context);
  if (status == MOPT_OK)
    return llvm::Error::success();
  return llvm::createStringError(*reason ? reason : api->status_name(status));
}

static size_t getElementBytes(MoptDType type) {
  switch (type) {
  case MOPT_UINT16:
  case MOPT_INT16:
  case MOPT_FLOAT16:
  case MOPT_BFLOAT16:
    return 2;
  case MOPT_FLOAT32:
  case MOPT_INT32:
  case MOPT_UINT32:
    return 4;
  case MOPT_FLOAT64:
  case MOPT_INT64:
  case MOPT_UINT64:
    return 8;
  default:
    return 1;
  }
}

void LayerTimer::fillInputs() {
  std::minstd_rand random(1);
  for (int32_t i = 0; i < api->input_count; ++i) {
    const MoptTensorSpec &spec = api->inputs[i];
    size_t count = 1, bytes = getElementBytes(spec.dtype);
    for (int32_t d = 0; d < spec.rank; ++d)
      count *= spec.dims[d];
    auto &buffer = values.emplace_back(count * bytes + kAlignment);
    char *data = buffer.data() + kAlignment -
                 reinterpret_cast<uintptr_t>(buffer.data()) % kAlignment;
    for (size_t at = 0; at < count; ++at) {
      // Positive, so that scales among the inputs are scales.
      float number = 0.25f + 0.75f * (random() % 4096) / 4096;
      uint32_t bits;
      std::memcpy(&bits, &number, sizeof(bits));
      if (spec.dtype == MOPT_FLOAT32) {
        std::memcpy(data + at * bytes, &bits, bytes);
      } else if (spec.dtype == MOPT_FLOAT64) {
        double wide = number;
        std::memcpy(data + at * bytes, &wide, bytes);
      } else if (spec.dtype == MOPT_BFLOAT16) {
        uint16_t half = bits >> 16;
        std::memcpy(data + at * bytes, &half, bytes);
      } else if (spec.dtype == MOPT_FLOAT16) {
        // The exponent and the fraction's first bits, with the other bias.
        uint16_t half = (bits >> 13) - ((127 - 15) << 10);
        std::memcpy(data + at * bytes, &half, bytes);
      } else {
        std::memset(data + at * bytes, 0, bytes);
        uint32_t drawn = random() >> 8;
        data[at * bytes] =
            static_cast<char>(spec.dtype == MOPT_BOOL ? drawn % 2 : drawn);
      }
    }
    MoptTensor tensor = {};
    tensor.data = data;
    tensor.dims = const_cast<int64_t *>(spec.dims);
    tensor.rank = spec.rank;
    tensor.dtype = spec.dtype;
    inputs.push_back(tensor);
  }
  outputs.resize(api->output_count);
}

llvm::Expected<double> LayerTimer::time(llvm::ArrayRef<char> others) {
  volatile char sink = 0;
  char sum = 0;
  for (size_t i = 0; i < others.size(); i += kLineBytes)
    sum += others[i];
  // The layer before this one has just written its inputs.
  for (const std::vector<char> &value : values)
    for (size_t i = 0; i < value.size(); i += kLineBytes)
      sum += value[i];
  sink = sum;
  (void)sink;
  auto start = std::chrono::steady_clock::now();
  MoptStatus status = api->run(context, inputs.data(), inputs.size(),
                               outputs.data(), outputs.size());
  std::chrono::duration<double, std::micro> passed =
      std::chrono::steady_clock::now() - start;
  if (status != MOPT_OK)
    return llvm::createStringError(api->last_error(context));
  return passed.count();
}

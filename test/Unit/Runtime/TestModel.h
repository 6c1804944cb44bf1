//===- TestModel.h - Descriptors as generated code emits them ---*- C++ -*-===//
//
// A model of a test is a struct with a static function `entry` and a static
// function `spec` that fills a ModelSpec. TestModel<that struct> makes the
// descriptor, one per type, as one library would hold it.
//
//===----------------------------------------------------------------------===//
#ifndef MOPT_TEST_UNIT_RUNTIME_TESTMODEL_H
#define MOPT_TEST_UNIT_RUNTIME_TESTMODEL_H

#include "Runtime.h"
#include "gtest/gtest.h"
#include <string>
#include <vector>

struct TensorDecl {
  std::string name;
  MoptDType dtype;
  std::vector<int64_t> dims;
  std::vector<std::string> dimNames = {};
  int32_t kind = MOPT_RT_OUTPUT_DESTINATION;
};

struct ModelSpec {
  std::vector<TensorDecl> inputs, outputs;
  MoptModelDesc desc = {};
};

template <typename Definition> class TestModel {
public:
  static const MoptModelApi *api() {
    static TestModel model;
    return mopt_rt_api(&model.spec.desc);
  }

private:
  TestModel() : spec(Definition::spec()) {
    MoptModelDesc &desc = spec.desc;
    for (const TensorDecl &input : spec.inputs)
      add(input);
    for (const TensorDecl &output : spec.outputs) {
      add(output);
      kinds.push_back(output.kind);
    }
    desc.version = MOPT_RT_DESC_VERSION;
    desc.desc_bytes = sizeof(desc);
    desc.name = "test";
    if (!desc.target)
      desc.target = "test";
    desc.build_info_json = "{}";
    desc.input_count = spec.inputs.size();
    desc.output_count = spec.outputs.size();
    desc.dim_count = dims.size();
    desc.names = names.data();
    desc.dtypes = dtypes.data();
    desc.ranks = ranks.data();
    desc.dims = dims.data();
    desc.dim_names = dimNames.data();
    desc.output_kinds = kinds.data();
    desc.entry = Definition::entry;
    current() = &desc;
    desc.create = [](const MoptModelOptions *options, MoptModel **model) {
      return mopt_rt_create(current(), options, model);
    };
    storage.resize(MOPT_RT_STORAGE_BYTES(ranks.size(), dims.size()) / 8);
    desc.storage = storage.data();
    desc.storage_bytes = storage.size() * 8;
  }

  static MoptModelDesc *&current() {
    static MoptModelDesc *desc;
    return desc;
  }

  void add(const TensorDecl &tensor) {
    names += tensor.name + '\0';
    dtypes.push_back(tensor.dtype);
    ranks.push_back(tensor.dims.size());
    dims.insert(dims.end(), tensor.dims.begin(), tensor.dims.end());
    for (size_t i = 0; i < tensor.dims.size(); ++i)
      dimNames += (i < tensor.dimNames.size() ? tensor.dimNames[i] : "") + '\0';
  }

  ModelSpec spec;
  std::string names, dimNames;
  std::vector<int32_t> dtypes, ranks, kinds;
  std::vector<int64_t> dims, storage;
};

/// A model and a context, destroyed with it.
struct Session {
  const MoptModelApi *api;
  MoptModel *model = nullptr;
  MoptContext *context = nullptr;
  MoptStatus status;

  explicit Session(const MoptModelApi *api,
                   const MoptModelOptions *options = nullptr)
      : api(api), status(api->create(options, &model)) {
    if (status == MOPT_OK)
      status = api->context_create(model, &context);
  }
  ~Session() {
    api->context_destroy(context);
    api->destroy(model);
  }
  Session(const Session &) = delete;

  MoptStatus run(const std::vector<MoptTensor> &inputs,
                 std::vector<MoptTensor> &outputs) {
    return api->run(context, inputs.data(), inputs.size(), outputs.data(),
                    outputs.size());
  }
  std::string error() const { return api->last_error(context); }
};

/// A tensor over a vector. Both vectors must outlive it.
template <typename T>
MoptTensor tensor(MoptDType dtype, std::vector<T> &data,
                  std::vector<int64_t> &dims) {
  return {data.data(),
          dims.data(),
          int64_t(data.size() * sizeof(T)),
          int32_t(dims.size()),
          dtype,
          0,
          0};
}

inline MoptTensor noBuffer() { return {nullptr, nullptr, 0, 0, 0, 0, 0}; }

inline MoptModelOptions withThreads(int32_t threads) {
  MoptModelOptions options = {};
  options.struct_bytes = sizeof(options);
  options.threads = threads;
  return options;
}

/// z = x + y, both [batch, 3], in parallel over the batch.
struct AddModel {
  static ModelSpec spec() {
    ModelSpec spec;
    spec.inputs = {{"x", MOPT_FLOAT32, {-1, 3}, {"batch"}},
                   {"y", MOPT_FLOAT32, {-1, 3}, {"batch"}}};
    spec.outputs = {{"z", MOPT_FLOAT32, {-1, 3}, {"batch"}}};
    return spec;
  }
  struct Frame {
    const float *x, *y;
    float *z;
  };
  static int32_t entry(MoptRun *run, const MoptTensor *inputs,
                       MoptTensor *outputs) {
    Frame frame = {static_cast<const float *>(inputs[0].data),
                   static_cast<const float *>(inputs[1].data),
                   static_cast<float *>(outputs[0].data)};
    mopt_rt_parallel_for(
        run,
        [](MoptRun *, void *data, int64_t begin, int64_t end) {
          Frame *frame = static_cast<Frame *>(data);
          for (int64_t i = 3 * begin; i < 3 * end; ++i)
            frame->z[i] = frame->x[i] + frame->y[i];
        },
        &frame, inputs[0].dims[0]);
    return MOPT_OK;
  }
};

#endif

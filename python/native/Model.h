// A loaded library with one model in it, called from Python.
#ifndef MOPT_PYTHON_MODEL_H
#define MOPT_PYTHON_MODEL_H

#include "Buffers.h"

#include <mutex>
#include <stdexcept>
#include <string>

namespace mopt::python {

/// A failed call of the model: `status` is the enumerator's name.
struct RunFailure : std::runtime_error {
  RunFailure(const std::string &message, std::string status)
      : std::runtime_error(message), status(std::move(status)) {}
  std::string status;
};

/// `run` may be called from any thread; each call has a context to itself.
class Model {
public:
  /// Throws OSError through Python where the file cannot be loaded.
  Model(const std::string &path, int threads, const std::string &weightsPath,
        int device, bool fallBack);
  ~Model() { close(); }

  /// Destroys the model and unloads the library. No run may be under way.
  void close();

  std::string name() const { return live()->name; }
  std::string buildInfo() const { return live()->build_info_json; }
  /// The target whose code runs, "" where the library does not say.
  std::string target() const;
  /// A list of (name, dtype, dims, data dependent) for the inputs or outputs.
  nanobind::list specs(bool ofInputs) const;

  /// Runs on a list of values in the inputs' order. One that is not a plain
  /// array of the right type is first given to `normalize(index, value)`, which
  /// returns (array of the carrier type, shape). Results are arrays of carrier
  /// types; shapes of packed ones and strings come as (array or list, shape).
  nanobind::list run(nanobind::list values, nanobind::handle normalize);

  /// Runs on arrays with DLPack in the inputs' order and writes to such in the
  /// outputs' order, in the host's memory or a device's. `stream` is the
  /// caller's, 0 for none. Throws TypeError for an array of another type or
  /// with gaps.
  void runInto(nanobind::list values, nanobind::list results,
               std::uintptr_t stream);

private:
  /// A context that no other call uses, until the end of this one.
  struct Lease {
    explicit Lease(Model &model)
        : model(model), context(model.acquireContext()) {}
    Lease(const Lease &) = delete;
    ~Lease() {
      std::lock_guard<std::mutex> lock(model.mutex);
      model.idle.push_back(context);
    }
    Model &model;
    MoptContext *context;
  };
  struct Input;
  const MoptModelApi *live() const;
  MoptContext *acquireContext();
  std::string statusName(MoptStatus status) const;

  void *library = nullptr;
  const MoptModelApi *api = nullptr;
  MoptModel *model = nullptr;
  std::mutex mutex;
  std::vector<MoptContext *> contexts, idle;
};

} // namespace mopt::python

#endif // MOPT_PYTHON_MODEL_H

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
  Model(const std::string &path, int threads, const std::string &weightsPath);
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

private:
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

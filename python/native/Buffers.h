// NumPy arrays as memory: what a run reads and writes without a copy.
#ifndef MOPT_PYTHON_BUFFERS_H
#define MOPT_PYTHON_BUFFERS_H

#include "mopt-c/Model.h"

#include <nanobind/nanobind.h>

#include <vector>

namespace mopt::python {

/// The memory of an array, held for the length of a run.
class Buffer {
public:
  Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer(Buffer &&other) noexcept : view(other.view), held(other.held) {
    other.held = false;
  }
  ~Buffer() {
    if (held)
      PyBuffer_Release(&view);
  }

  /// Takes hold of a row-major, aligned array whose elements are of type
  /// `dtype`, or of its carrier type. False when `object` is anything else.
  bool acquire(nanobind::handle object, MoptDType dtype);

  void *data() const { return view.buf; }
  int64_t bytes() const { return view.len; }
  int rank() const { return view.ndim; }
  int64_t size(int axis) const { return view.shape[axis]; }

private:
  Py_buffer view = {};
  bool held = false;
};

/// The NumPy type whose arrays carry elements of type `dtype` through the
/// buffer protocol: the type itself, or an integer of its size where the
/// protocol does not know it (bfloat16, float8); packed types travel as bytes.
/// Null for a type without one (strings).
const char *carrierType(MoptDType dtype);

/// Whether an element has less than a byte, so that an array's shape differs
/// from its carrier's.
bool isPacked(MoptDType dtype);

/// Bytes of `count` elements.
int64_t byteCount(MoptDType dtype, int64_t count);

/// A new array of the carrier type; one dimension of bytes for a packed type.
nanobind::object newArray(MoptDType dtype, const std::vector<int64_t> &shape);

} // namespace mopt::python

#endif // MOPT_PYTHON_BUFFERS_H

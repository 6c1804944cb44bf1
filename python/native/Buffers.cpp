// Maps the element types of Model.h to NumPy's and to the buffer protocol's.
// Knows nothing of models.
#include "Buffers.h"

#include <cstring>

namespace nb = nanobind;

namespace mopt::python {
namespace {

struct Carrier {
  const char *name;
  /// Accepted characters of the buffer protocol; equal types have several.
  const char *formats;
  int bits;
};

/// Indexed by MoptDType.
const Carrier carriers[] = {
    {nullptr, "", 0},          {"float32", "f", 32}, {"uint8", "B", 8},
    {"int8", "b", 8},          {"uint16", "H", 16},  {"int16", "h", 16},
    {"int32", "il", 32},       {"int64", "lq", 64},  {nullptr, "", 64},
    {"bool", "?", 8},          {"float16", "e", 16}, {"float64", "d", 64},
    {"uint32", "IL", 32},      {"uint64", "LQ", 64}, {"complex64", "Zf", 64},
    {"complex128", "Zd", 128}, {"uint16", "H", 16},  {"uint8", "B", 8},
    {"uint8", "B", 8},         {"uint8", "B", 8},    {"uint8", "B", 8},
    {"uint8", "B", 4},         {"uint8", "B", 4},    {"uint8", "B", 4},
    {"uint8", "B", 8},         {"uint8", "B", 2},    {"uint8", "B", 2},
};
constexpr int carrierCount = sizeof(carriers) / sizeof(carriers[0]);

const Carrier &carrierOf(MoptDType dtype) {
  return carriers[dtype > 0 && dtype < carrierCount ? dtype : 0];
}

bool formatFits(const char *format, const Carrier &carrier) {
  // Complex formats have two characters and one spelling.
  if (carrier.formats[0] == 'Z')
    return std::strcmp(format, carrier.formats) == 0;
  return format[0] && !format[1] && std::strchr(carrier.formats, format[0]);
}

} // namespace

const char *carrierType(MoptDType dtype) { return carrierOf(dtype).name; }

bool isPacked(MoptDType dtype) { return carrierOf(dtype).bits < 8; }

int64_t byteCount(MoptDType dtype, int64_t count) {
  return (count * carrierOf(dtype).bits + 7) / 8;
}

bool Buffer::acquire(nb::handle object, MoptDType dtype) {
  const Carrier &carrier = carrierOf(dtype);
  if (!carrier.name || !PyObject_CheckBuffer(object.ptr()))
    return false;
  if (PyObject_GetBuffer(object.ptr(), &view,
                         PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
    PyErr_Clear();
    return false;
  }
  held = true;
  const int64_t itemBytes = carrier.bits < 8 ? 1 : carrier.bits / 8;
  const int64_t alignment =
      carrier.formats[0] == 'Z' ? itemBytes / 2 : itemBytes;
  const bool fits = view.itemsize == itemBytes &&
                    formatFits(view.format, carrier) &&
                    reinterpret_cast<uintptr_t>(view.buf) % alignment == 0;
  if (!fits) {
    PyBuffer_Release(&view);
    held = false;
  }
  return fits;
}

nb::object newArray(MoptDType dtype, const std::vector<int64_t> &shape) {
  // Looked up once: the names live as long as the interpreter.
  static PyObject *empty =
      nb::object(nb::module_::import_("numpy").attr("empty")).release().ptr();
  static PyObject *types[carrierCount] = {};
  if (!types[dtype])
    types[dtype] = nb::object(nb::module_::import_("numpy").attr("dtype")(
                                  carrierType(dtype)))
                       .release()
                       .ptr();
  nb::object dims;
  if (isPacked(dtype)) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    dims = nb::int_(byteCount(dtype, count));
  } else {
    PyObject *tuple = PyTuple_New(static_cast<Py_ssize_t>(shape.size()));
    for (size_t axis = 0; axis < shape.size(); ++axis)
      PyTuple_SET_ITEM(tuple, axis, PyLong_FromLongLong(shape[axis]));
    dims = nb::steal(tuple);
  }
  PyObject *arguments[] = {dims.ptr(), types[dtype]};
  PyObject *array = PyObject_Vectorcall(empty, arguments, 2, nullptr);
  if (!array)
    throw nb::python_error();
  return nb::steal(array);
}

} // namespace mopt::python

"""Compiled libraries through their C interface, include/mopt-c/Model.h. The only file
that knows how a library is loaded and called; ctypes releases the GIL in every call."""

import _ctypes
import ctypes
import json
import threading
import weakref
from dataclasses import dataclass

import numpy as np

from . import _dtypes

ABI_VERSION = 1
_OK = 0
_SPEC_DATA_DEPENDENT = 1


class RunError(RuntimeError):
    """A model that refused to load or to run; `status` is Model.h's name for why."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dims", ctypes.POINTER(ctypes.c_int64)),
                ("capacity_bytes", ctypes.c_int64), ("rank", ctypes.c_int32),
                ("dtype", ctypes.c_int32), ("flags", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32)]


class _TensorSpec(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dims", ctypes.POINTER(ctypes.c_int64)),
                ("dim_names", ctypes.POINTER(ctypes.c_char_p)), ("rank", ctypes.c_int32),
                ("dtype", ctypes.c_int32), ("flags", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32)]


class _ModelOptions(ctypes.Structure):
    _fields_ = [("struct_bytes", ctypes.c_uint32), ("threads", ctypes.c_int32),
                ("spin_us", ctypes.c_int32), ("reserved", ctypes.c_uint32),
                ("pool", ctypes.c_void_p), ("parallel_for", ctypes.c_void_p),
                ("parallel_for_user", ctypes.c_void_p), ("allocator", ctypes.c_void_p),
                ("weights_path", ctypes.c_char_p), ("error", ctypes.c_char_p),
                ("error_bytes", ctypes.c_size_t)]


_Status = ctypes.c_int32
_Dims = ctypes.POINTER(ctypes.c_int64)
_Tensors = ctypes.POINTER(_Tensor)


class _ModelApi(ctypes.Structure):
    _fields_ = [
        ("abi_version", ctypes.c_uint32), ("struct_bytes", ctypes.c_uint32),
        ("name", ctypes.c_char_p), ("build_info_json", ctypes.c_char_p),
        ("input_count", ctypes.c_int32), ("output_count", ctypes.c_int32),
        ("inputs", ctypes.POINTER(_TensorSpec)), ("outputs", ctypes.POINTER(_TensorSpec)),
        ("create", ctypes.CFUNCTYPE(_Status, ctypes.POINTER(_ModelOptions),
                                    ctypes.POINTER(ctypes.c_void_p))),
        ("destroy", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("context_create", ctypes.CFUNCTYPE(_Status, ctypes.c_void_p,
                                            ctypes.POINTER(ctypes.c_void_p))),
        ("context_destroy", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("workspace_bytes", ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, _Dims)),
        ("infer_output_dims", ctypes.CFUNCTYPE(_Status, ctypes.c_void_p, _Dims, _Dims)),
        ("run", ctypes.CFUNCTYPE(_Status, ctypes.c_void_p, _Tensors, ctypes.c_size_t, _Tensors,
                                 ctypes.c_size_t)),
        ("last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
        ("status_name", ctypes.CFUNCTYPE(ctypes.c_char_p, _Status)),
    ]


@dataclass(frozen=True)
class Spec:
    """An input or output: `dims` holds sizes, names of dynamic dimensions, or None."""

    name: str
    number: int
    dims: tuple
    data_dependent: bool


def _read_specs(pointer, count):
    specs = []
    for index in range(count):
        raw = pointer[index]
        dims = []
        for axis in range(raw.rank):
            size = raw.dims[axis]
            name = raw.dim_names[axis] if size < 0 and raw.dim_names else None
            dims.append(size if size >= 0 else name.decode() if name else None)
        specs.append(Spec(raw.name.decode(), raw.dtype, tuple(dims),
                          bool(raw.flags & _SPEC_DATA_DEPENDENT)))
    return specs


def _close(api, model, contexts, handle, folder):
    for context in contexts:
        api.context_destroy(context)
    api.destroy(model)
    _ctypes.dlclose(handle)
    if folder is not None:
        folder.cleanup()


class CompiledModel:
    """A loaded library with one model in it. `run` may be called from any thread."""

    def __init__(self, path, threads=0, weights=None, folder=None):
        """`folder` is a temporary directory that lives as long as the model."""
        # RTLD_LOCAL: two libraries that were compiled alike do not see each other.
        library = ctypes.CDLL(path, mode=ctypes.RTLD_LOCAL)
        function = library.mopt_model
        function.restype = ctypes.POINTER(_ModelApi)
        api = function()
        if not api or api.contents.abi_version != ABI_VERSION:
            found = api.contents.abi_version if api else None
            _ctypes.dlclose(library._handle)
            raise RunError(f"'{path}': expected ABI version {ABI_VERSION}, found {found}",
                           "MOPT_UNSUPPORTED")
        self._api = api.contents
        self.path = path
        self.name = self._api.name.decode()
        self.inputs = _read_specs(self._api.inputs, self._api.input_count)
        self.outputs = _read_specs(self._api.outputs, self._api.output_count)
        self._model = self._create(path, threads, weights)
        self._contexts, self._free, self._lock = [], [], threading.Lock()
        self._finalizer = weakref.finalize(self, _close, self._api, self._model, self._contexts,
                                           library._handle, folder)

    @property
    def build_info(self):
        return json.loads(self._api.build_info_json.decode() or "{}")

    def close(self):
        self._finalizer()

    def _create(self, path, threads, weights):
        reason = ctypes.create_string_buffer(1024)
        options = _ModelOptions(struct_bytes=ctypes.sizeof(_ModelOptions), threads=threads,
                                weights_path=weights.encode() if weights else None,
                                error=ctypes.cast(reason, ctypes.c_char_p),
                                error_bytes=len(reason))
        model = ctypes.c_void_p()
        status = self._api.create(ctypes.byref(options), ctypes.byref(model))
        if status != _OK:
            raise RunError(f"'{path}': {reason.value.decode() or self._status(status)}",
                           self._status(status))
        return model

    def _status(self, status):
        return self._api.status_name(status).decode()

    def _acquire(self):
        """A context that no other thread uses."""
        with self._lock:
            if self._free:
                return self._free.pop()
        context = ctypes.c_void_p()
        status = self._api.context_create(self._model, ctypes.byref(context))
        if status != _OK:
            raise RunError("could not create a context", self._status(status))
        with self._lock:
            self._contexts.append(context)
        return context

    def output_shapes(self, arrays):
        """Output shapes for input arrays; None where a shape depends on their values."""
        ranks = [len(spec.dims) for spec in self.outputs]
        dims_in = [size for array in arrays for size in array.shape]
        flat_in = (ctypes.c_int64 * max(1, len(dims_in)))(*dims_in)
        flat_out = (ctypes.c_int64 * max(1, sum(ranks)))()
        status = self._api.infer_output_dims(self._model, flat_in, flat_out)
        if status != _OK:
            return None
        shapes, at = [], 0
        for rank in ranks:
            shape = tuple(flat_out[at:at + rank])
            shapes.append(None if min(shape, default=0) < 0 else shape)
            at += rank
        return shapes

    def run(self, arrays):
        """Output arrays in the model's order for input arrays in the model's order."""
        keep = []
        inputs = (_Tensor * max(1, len(arrays)))()
        for index, array in enumerate(arrays):
            _fill_input(inputs[index], array, keep)
        # Where shapes do not fit, `run` itself says what is wrong.
        shapes = self.output_shapes(arrays) or [None] * len(self.outputs)
        buffers = []
        outputs = (_Tensor * max(1, len(self.outputs)))()
        for tensor, spec, shape in zip(outputs, self.outputs, shapes):
            buffers.append(_fill_output(tensor, spec, shape))
        context = self._acquire()
        try:
            status = self._api.run(context, inputs, len(arrays), outputs, len(self.outputs))
            if status != _OK:
                message = self._api.last_error(context).decode()
                raise RunError(message or self._status(status), self._status(status))
            return [_read_output(tensor, spec, buffer)
                    for tensor, spec, buffer in zip(outputs, self.outputs, buffers)]
        finally:
            with self._lock:
                self._free.append(context)


def _fill_input(tensor, array, keep):
    number = _dtypes.number_of(array.dtype)
    data = array
    if number == _dtypes.STRING:
        texts = [_encoded(text) for text in array.reshape(-1)]
        data = (ctypes.c_char_p * max(1, len(texts)))(*texts)
        keep += [texts, data]
        tensor.data, tensor.capacity_bytes = ctypes.addressof(data), 8 * len(texts)
    else:
        if _dtypes.is_packed(number):
            data = _dtypes.pack(array, number)
            keep.append(data)
        tensor.data, tensor.capacity_bytes = data.ctypes.data, data.nbytes
    dims = (ctypes.c_int64 * max(1, array.ndim))(*array.shape)
    keep.append(dims)
    tensor.dims, tensor.rank, tensor.dtype = dims, array.ndim, number


def _encoded(text):
    return text if isinstance(text, bytes) else str(text).encode()


def _fill_output(tensor, spec, shape):
    """Gives the run a new array to write to where the shape is known before."""
    tensor.dtype = spec.number
    if shape is None or spec.number == _dtypes.STRING:
        return None
    if _dtypes.is_packed(spec.number):
        count = _dtypes.byte_count(spec.number, int(np.prod(shape, dtype=np.int64)))
        buffer = np.empty(count, np.uint8)
    else:
        buffer = np.empty(shape, _dtypes.numpy_type(spec.number))
    # Without elements there may be no memory, and null would ask for the context's.
    if buffer.nbytes == 0:
        return None
    tensor.data, tensor.capacity_bytes = buffer.ctypes.data, buffer.nbytes
    return buffer


def _read_output(tensor, spec, buffer):
    shape = tuple(tensor.dims[axis] for axis in range(tensor.rank))
    packed = _dtypes.is_packed(spec.number)
    if buffer is not None:
        return _dtypes.unpack(buffer, spec.number, shape) if packed else buffer.reshape(shape)
    count = int(np.prod(shape, dtype=np.int64))
    if count == 0:
        return np.empty(shape, _dtypes.numpy_type(spec.number))
    if spec.number == _dtypes.STRING:
        texts = ctypes.cast(tensor.data, ctypes.POINTER(ctypes.c_char_p))
        return np.array([texts[i].decode() for i in range(count)], object).reshape(shape)
    # The context's memory is good until its next run: copied.
    raw = ctypes.string_at(tensor.data, _dtypes.byte_count(spec.number, count))
    data = np.frombuffer(bytearray(raw), np.uint8)
    if packed:
        return _dtypes.unpack(data, spec.number, shape)
    return data.view(_dtypes.numpy_type(spec.number)).reshape(shape)

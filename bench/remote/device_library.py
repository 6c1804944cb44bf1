"""A library for an NVIDIA device through its C interface, and the times of kernels."""

import ctypes
import os
import sys


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dims", ctypes.c_void_p),
                ("capacity", ctypes.c_int64), ("rank", ctypes.c_int32),
                ("dtype", ctypes.c_int32), ("flags", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32)]


class Api(ctypes.Structure):
    """MoptModelApi up to `last_error`."""
    _fields_ = [("versions", ctypes.c_uint32 * 2), ("name", ctypes.c_char_p),
                ("build_info", ctypes.c_char_p), ("counts", ctypes.c_int32 * 2),
                ("specs", ctypes.c_void_p * 2),
                ("create", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)),
                ("destroy", ctypes.c_void_p),
                ("context_create",
                 ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)),
                ("context_destroy", ctypes.c_void_p), ("workspace_bytes", ctypes.c_void_p),
                ("infer_output_dims", ctypes.c_void_p),
                ("run", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p,
                                         ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)),
                ("last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p))]


class Model:
    """A library, one context of it."""

    def __init__(self, path):
        entry = ctypes.CDLL(os.path.abspath(path)).mopt_model
        entry.restype = ctypes.POINTER(Api)
        self.api = entry().contents
        model, self.context = ctypes.c_void_p(), ctypes.c_void_p()
        status = self.api.create(None, ctypes.addressof(model))
        if not status:
            status = self.api.context_create(model, ctypes.addressof(self.context))
        if status:
            sys.exit(f"{path}: status {status}")

    def run(self, inputs, outputs, codes):
        """Computes arrays from arrays; `codes` are ONNX's numbers of all their types."""
        keep = []

        def describe(arrays, numbers):
            tensors = (Tensor * len(arrays))()
            for tensor, array, number in zip(tensors, arrays, numbers):
                dims = (ctypes.c_int64 * array.ndim)(*array.shape)
                keep.append(dims)
                tensor.data, tensor.dims = array.ctypes.data, ctypes.addressof(dims)
                tensor.capacity, tensor.rank, tensor.dtype = array.nbytes, array.ndim, number
            return tensors
        ins = describe(inputs, codes)
        outs = describe(outputs, codes[len(inputs):])
        status = self.api.run(self.context, ctypes.addressof(ins), len(ins),
                              ctypes.addressof(outs), len(outs))
        if status:
            sys.exit(self.api.last_error(self.context).decode())


def trace(torch, call):
    """The kernels that `call` launches, in order: (name, begin, end), in microseconds, as the
    driver's own tracing (CUPTI) tells."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call()
        torch.cuda.synchronize()
    events = [(event.name, event.time_range.start, event.time_range.end)
              for event in profile.events()
              if not event.name.startswith(("Memcpy", "Memset", "Activity Buffer", "cuda"))]
    return sorted(events, key=lambda event: event[1])

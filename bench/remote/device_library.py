"""A library for an NVIDIA device through its C interface, and the times of kernels."""

import ctypes
import os
import re
import sys


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dims", ctypes.c_void_p),
                ("capacity", ctypes.c_int64), ("rank", ctypes.c_int32),
                ("dtype", ctypes.c_int32), ("flags", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32)]


class Api(ctypes.Structure):
    """MoptModelApi."""
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
                ("last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
                ("status_name", ctypes.c_void_p), ("pool_create", ctypes.c_void_p),
                ("profile", ctypes.c_void_p), ("target", ctypes.c_void_p),
                ("run_with",
                 ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p,
                                  ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t,
                                  ctypes.c_void_p))]


class RunOptions(ctypes.Structure):
    """MoptRunOptions."""
    _fields_ = [("struct_bytes", ctypes.c_uint32), ("reserved", ctypes.c_uint32),
                ("stream", ctypes.c_void_p)]


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

    def run(self, inputs, outputs, codes, stream=None):
        """Computes arrays, of NumPy or of PyTorch on the device, from arrays; `codes` are ONNX's
        numbers of all their types. On a stream (its number) it returns at once."""
        keep = []

        def describe(arrays, numbers):
            tensors = (Tensor * len(arrays))()
            for tensor, array, number in zip(tensors, arrays, numbers):
                dims = (ctypes.c_int64 * array.ndim)(*array.shape)
                keep.append(dims)
                is_torch = hasattr(array, "data_ptr")
                tensor.data = array.data_ptr() if is_torch else array.ctypes.data
                tensor.dims, tensor.capacity = ctypes.addressof(dims), array.nbytes
                tensor.rank, tensor.dtype = array.ndim, number
            return tensors
        ins = describe(inputs, codes)
        outs = describe(outputs, codes[len(inputs):])
        options = RunOptions(ctypes.sizeof(RunOptions), 0, stream)
        status = self.api.run_with(self.context, ctypes.addressof(ins), len(ins),
                                   ctypes.addressof(outs), len(outs), ctypes.addressof(options))
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
              if not re.match("Memcpy|Memset|Activity Buffer|cuda|cu[A-Z]", event.name)]
    return sorted(events, key=lambda event: event[1])

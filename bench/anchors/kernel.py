"""Compiles anchors from text to a shared object and calls them on arrays."""

import ctypes
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MOPT_BUILD", ROOT / "build"))
LLVM = pathlib.Path(os.environ.get("LLVM_BIN", "/usr/lib/llvm-22/bin"))

BUFFERIZE = ("one-shot-bufferize{bufferize-function-boundaries "
             "function-boundary-type-conversion=identity-layout-map},cse,canonicalize")
# From mopt ops to anchors with epilogues.
FRONT = ("mopt-select-microkernels,mopt-convert-anchors,mopt-fold-weight-packing,"
         "convert-mopt-to-linalg,canonicalize,cse,mopt-fuse-epilogue")
LOWER = ("convert-linalg-to-loops,scf-forall-to-for,mopt-resolve-expand-shapes,expand-strided-metadata,lower-affine,"
         "convert-vector-to-scf{full-unroll=true},convert-scf-to-cf,canonicalize,cse,"
         "convert-math-to-llvm,convert-vector-to-llvm,finalize-memref-to-llvm,"
         "convert-func-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,"
         "convert-cf-to-llvm,convert-ub-to-llvm,canonicalize,cse,"
         "reconcile-unrealized-casts")

# The rows of test machines, as `mopt-assign-target` would write them.
TARGETS = {
    "avx2": '#mopt.target<name = "x86-64-v3", triple = "x86_64-unknown-linux-gnu", '
            'cpu = "x86-64-v3", features = "+avx2,+fma", vectorBits = 256, '
            'vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>',
    "avx512": '#mopt.target<name = "x86-64-v4", triple = "x86_64-unknown-linux-gnu", '
              'cpu = "x86-64-v4", features = "+avx2,+fma,+avx512f", vectorBits = 512, '
              'vectorRegisters = 32, l1Bytes = 49152, l2Bytes = 2097152>',
    "sse": '#mopt.target<name = "x86-64-v2", triple = "x86_64-unknown-linux-gnu", '
           'cpu = "x86-64-v2", features = "", vectorBits = 128, '
           'vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>',
}
CPUS = {"avx2": "x86-64-v3", "avx512": "x86-64-v4", "sse": "x86-64-v2"}


def run(command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **kwargs)
    if done.returncode:
        raise RuntimeError(f"{' '.join(str(c) for c in command)}\n{done.stderr}")
    return done.stdout


def descriptor(array):
    rank = array.ndim

    class Descriptor(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("data", ctypes.c_void_p),
                    ("offset", ctypes.c_int64), ("sizes", ctypes.c_int64 * max(rank, 1)),
                    ("strides", ctypes.c_int64 * max(rank, 1))]

    d = Descriptor(array.ctypes.data, array.ctypes.data, 0)
    for i in range(rank):
        d.sizes[i] = array.shape[i]
        d.strides[i] = array.strides[i] // array.itemsize
    return d


def aligned(shape, dtype=np.float32, align=64):
    """An array that starts at a multiple of `align` bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + align, np.uint8)
    start = -raw.ctypes.data % align
    return raw[start:start + size].view(dtype).reshape(shape)


class Kernel:
    """A function `@kernel` on f32 tensors with one result.

    `passes` bring the text to anchors on tensors. Without options the pass that
    tiles them decides by itself.
    """

    def __init__(self, text, target, passes="", tile="", keep=None):
        self.directory = pathlib.Path(keep or tempfile.mkdtemp())
        self.directory.mkdir(parents=True, exist_ok=True)
        key = hashlib.sha1((text + target + passes + tile).encode()).hexdigest()[:12]
        stem = self.directory / key
        source, llvm = pathlib.Path(f"{stem}.mlir"), pathlib.Path(f"{stem}.llvm.mlir")
        head, _, resources = text.partition("{-#")
        source.write_text(f"module attributes {{mopt.target = {TARGETS[target]}}} {{\n{head}\n}}\n"
                          + (f"{{-#{resources}" if resources else ""))
        self.anchors = f"{stem}.anchors.mlir"
        run([BUILD / "bin/mopt-opt", source, "-o", self.anchors,
             f"--pass-pipeline=builtin.module({passes}{',' if passes else ''}canonicalize,cse)"])
        pipeline = (f"builtin.module(mopt-tile-anchors{tile},canonicalize,cse,{BUFFERIZE},"
                    f"mopt-expand-microkernels,canonicalize,cse,{LOWER})")
        run([BUILD / "bin/mopt-opt", self.anchors, f"--pass-pipeline={pipeline}", "-o", llvm])
        # mlir-translate does not know mopt's attributes.
        llvm.write_text(re.sub(r"^module attributes {.*} {$", "module {", llvm.read_text(),
                               count=1, flags=re.M))
        run([LLVM / "mlir-translate", "--mlir-to-llvmir", llvm, "-o", f"{stem}.ll"])
        self.library = f"{stem}.so"
        run([LLVM / "clang", "-O3", f"-march={CPUS[target]}", "-mprefer-vector-width=512",
             "-fno-math-errno", "-Wno-override-module", "-fPIC", "-shared", f"{stem}.ll", "-lm",
             # memrefCopy, for paddings
             f"-L{LLVM.parent / 'lib'}", "-lmlir_c_runner_utils",
             f"-Wl,-rpath,{LLVM.parent / 'lib'}", "-o", self.library])
        self.function = ctypes.CDLL(self.library)._mlir_ciface_kernel

    def bind(self, *arrays, rank=None):
        """A call without arguments; its `result` is the descriptor of the result."""
        descriptors = [descriptor(a) for a in arrays]
        result = descriptor(np.zeros((1,) * (arrays[-1].ndim if rank is None else rank),
                                     np.float32))
        pointers = [ctypes.byref(d) for d in [result] + descriptors]

        def call():
            self.function(*pointers)
        call.keep, call.result = (arrays, descriptors), result
        return call

    def __call__(self, *arrays, rank=None):
        call = self.bind(*arrays, rank=rank)
        call()
        r, rank = call.result, arrays[-1].ndim if rank is None else rank
        shape = tuple(r.sizes[:rank])
        if 0 in shape:
            return np.zeros(shape, np.float32)
        pointer = ctypes.cast(r.data + 4 * r.offset, ctypes.POINTER(ctypes.c_float))
        base = np.ctypeslib.as_array(pointer, (1 + sum((n - 1) * s for n, s in
                                                       zip(shape, r.strides[:rank])),))
        return np.lib.stride_tricks.as_strided(
            base, shape, [4 * s for s in r.strides[:rank]]).copy()


def pack(weights, columns):
    """[b.., k, n] to [b.., ceil(n / columns), k, columns], zeros behind n."""
    *batch, k, n = weights.shape
    blocks = -(-n // columns)
    padded = aligned((*batch, k, blocks * columns))
    padded[..., :n] = weights
    packed = aligned((*batch, blocks, k, columns))
    packed[...] = np.moveaxis(padded.reshape(*batch, k, blocks, columns), -2, -3)
    return packed


def config(rows, columns, lanes, unroll=4, streams=4, prefetch_rows=0, prefetch_next=True):
    return (f'#mopt.config<kernel = "test", rows = {rows}, columns = {columns}, lanes = {lanes}, '
            f'unroll = {unroll}, streams = {streams}, prefetchRows = {prefetch_rows}, '
            f'prefetchNext = {str(prefetch_next).lower()}>')


def resources(**arrays):
    """The end of a module whose constants are `dense_resource<name>`."""
    entries = ", ".join(f'{name}: "0x04000000{np.ascontiguousarray(a, np.float32).tobytes().hex()}"'
                        for name, a in arrays.items())
    return f"{{-# dialect_resources: {{ builtin: {{ {entries} }} }} #-}}"


def tensor(shape):
    return f"tensor<{'x'.join('?' if d is None else str(d) for d in shape)}xf32>"

"""Speed of products of bytes against mopt's own of floats.

usage: integers.py [target..] [--threads=N] [--quick]

Each shape is a model of one node, compiled for the target (default: native): in f32, with
unsigned bytes times signed weights of all 8 bits, times weights of 7 bits, and times
normal ones as quantization leaves them: 127 is five times their deviation. mopt-run times
them in turn; a figure is the median of the rounds, a ratio that of the rounds'
ratios. Results of integers are compared with numpy's.
"""

import json
import statistics
import subprocess
import sys

import numpy as np
from onnx import helper, numpy_helper

import mopt
from mopt._compile import tool

RNG = np.random.default_rng(1)
# rows, columns, depth
GEMMS = [(128, 768, 768), (128, 3072, 768), (1, 4096, 4096)]
# height and width, channels, outputs, kernel, stride, group
CONVS = [(56, 64, 64, 3, 1, 1), (56, 64, 256, 1, 1, 1), (14, 1024, 256, 1, 1, 1),
         (224, 3, 64, 7, 2, 1), (56, 144, 144, 3, 1, 144)]
KINDS = {"f32": None, "8 bits": 127, "7 bits": 63, "normal": "normal"}


def draw(shape, largest):
    if largest is None:
        return RNG.standard_normal(shape, np.float32)
    if largest == "normal":
        return np.clip(np.rint(RNG.normal(0, 127 / 5, shape)), -127, 127).astype(np.int8)
    return RNG.integers(-largest - 1, largest + 1, shape, dtype=np.int8)


def build(op, x, w, attributes):
    node = helper.make_node(op, ["x", "w"], ["y"], **attributes)
    result = helper.np_dtype_to_tensor_dtype(np.dtype("f4" if x.dtype == np.float32 else "i4"))
    graph = helper.make_graph(
        [node], op,
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_tensor_value_info("y", result, None)], [numpy_helper.from_array(w, "w")])
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])


def seconds(library, threads, duration=0.05):
    """The median of a process of its own, whose outputs stay where they are."""
    def run(count):
        done = subprocess.run(
            [tool("mopt-run"), library, "--random", f"--iterations={count}",
             f"--threads={threads}", "--json"], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)["latency_ms_p50"] / 1e3
    return run(max(5, int(duration / run(5))))


def measure(title, operations, make, target, threads, rounds):
    libraries = []
    for largest in KINDS.values():
        op, x, w, attributes, wanted = make(largest)
        library = mopt.compile(build(op, x, w, attributes), target=target)
        if wanted is not None:
            found = mopt.InferenceSession(library, threads=threads).run(None, {"x": x})[0]
            np.testing.assert_array_equal(found, wanted)
        libraries.append(library)
    times = [[seconds(library, threads) for library in libraries] for _ in range(rounds)]
    text = f"{title:28}"
    for i, kind in enumerate(KINDS):
        median = statistics.median(t[i] for t in times)
        text += f" {kind} {operations / median / 1e9:7.1f} GOP/s"
        if i:
            text += f" ({statistics.median(t[0] / t[i] for t in times):.2f})"
    print(text, flush=True)


def gemm(m, n, k):
    def make(largest):
        x = draw((m, k), None) if largest is None else RNG.integers(0, 256, (m, k), dtype=np.uint8)
        w = draw((k, n), largest)
        wanted = None if largest is None else x.astype(np.int32) @ w.astype(np.int32)
        return "MatMul" if largest is None else "MatMulInteger", x, w, {}, wanted
    return f"gemm {m}x{n}x{k}", 2 * m * n * k, make


def conv(size, channels, outputs, kernel, stride, group):
    pad, shape = kernel // 2, (1, channels, size, size)
    count = (size + 2 * pad - kernel) // stride + 1

    def make(largest):
        x = draw(shape, None) if largest is None else RNG.integers(0, 256, shape, dtype=np.uint8)
        w = draw((outputs, channels // group, kernel, kernel), largest)
        attributes = {"pads": [pad] * 4, "strides": [stride] * 2, "group": group}
        if largest is None:
            return "Conv", x, w, attributes, None
        # Floats of 64 bits sum such products exactly.
        padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
        windows = windows[0, :, ::stride, ::stride]
        parts = [np.tensordot(f.astype(np.float64), i, ((1, 2, 3), (0, 3, 4)))
                 for f, i in zip(np.split(w, group), np.split(windows, group))]
        return "ConvInteger", x, w, attributes, np.concatenate(parts).astype(np.int32)[None]
    title = f"conv {size} {channels}->{outputs} k{kernel} s{stride}" + (" dw" if group > 1 else "")
    return title, 2 * count * count * outputs * (channels // group) * kernel * kernel, make


def main():
    threads, quick, targets = 1, False, []
    for argument in sys.argv[1:]:
        if argument.startswith("--threads="):
            threads = int(argument.split("=")[1])
        elif argument == "--quick":
            quick = True
        else:
            targets.append(argument)
    for target in targets or ["native"]:
        print(f"{target}, {threads} thread(s)")
        for shape in GEMMS:
            measure(*gemm(*shape), target, threads, 3 if quick else 9)
        for shape in CONVS:
            measure(*conv(*shape), target, threads, 3 if quick else 9)


if __name__ == "__main__":
    main()

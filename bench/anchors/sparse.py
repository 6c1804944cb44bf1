"""Speed of products with sparse weights against mopt's own dense ones.

usage: sparse.py [--target T] [--threads N] [--rounds N] [--patterns 2:4,1:4] [--rows 1,4,128]
                 [--shape DEPTHxWIDTH] [--layers N] [--bytes] [--always] [--programs]

Layers side by side, as many as it takes to read 192 MiB of dense weights per run (from memory, not
from a cache) unless N is given, compiled twice from
one pruned model: with --sparsity=auto and with --sparsity=off. Both libraries run in turn
in this process; the ratio is the median of the rounds' ratios. With --bytes the products are
quantized, activations of unsigned and weights of signed bytes, and four times as many layers.
With --always weights are sparse wherever there is a micro-kernel, whatever the cost rule says.
With --programs mopt-compile and mopt-run do the work, which need no Python module.
A pattern is N:M, or a share of zeros at random places, 0.9, or 0.6x4 in blocks of 4 along the depth.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from mopt import _compile

MIB = 1 << 20


def prune(weights, pattern, rng):
    """The largest of each group of rows, where what does not fill a group stays; or zeros at random."""
    if ":" not in pattern:
        share, _, block = pattern.partition("x")
        block = int(block or 1)
        kept = rng.random((-(-weights.shape[0] // block), weights.shape[1])) >= float(share)
        return weights * np.repeat(kept, block, axis=0)[:weights.shape[0]]
    kept, group = (int(x) for x in pattern.split(":"))
    whole = weights.shape[0] // group * group
    part = weights[:whole].reshape(-1, group, weights.shape[1])
    order = np.argsort(-np.abs(part), axis=1)
    np.put_along_axis(part, order[:, kept:], 0, axis=1)
    return weights


def make_model(path, pattern, rows, depth, width, layers, of_bytes):
    rng = np.random.default_rng(0)
    nodes, weights, read = [], [], "x"
    if of_bytes:
        weights = [numpy_helper.from_array(array, name) for name, array in {
            "xs": np.float32(0.02), "xz": np.uint8(120), "ws": np.float32(0.01),
            "wz": np.int8(0)}.items()]
        nodes = [helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
                 helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"])]
        read = "xd"
    for i in range(layers):
        w = prune(rng.standard_normal((depth, width), np.float32), pattern, rng)
        if of_bytes:
            w = np.clip(np.round(w * 40), -127, 127).astype(np.int8)
            nodes.append(helper.make_node("DequantizeLinear", [f"q{i}", "ws", "wz"], [f"w{i}"]))
        else:
            w /= np.float32(depth) ** np.float32(0.5)
        weights.append(numpy_helper.from_array(w, f"q{i}" if of_bytes else f"w{i}"))
        # Every layer reads the input, so that depth and width may differ.
        nodes += [helper.make_node("MatMul", [read, f"w{i}"], [f"m{i}"], name=f"layer{i}"),
                  helper.make_node("Relu", [f"m{i}"], [f"y{i}"])]
    outputs = [helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [rows, width])
               for i in range(layers)]
    graph = helper.make_graph(nodes, "sparse", [helper.make_tensor_value_info(
        "x", TensorProto.FLOAT, [rows, depth])], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with open(path, "wb") as file:
        file.write(model.SerializeToString())


def compile_always(path, library, target):
    """Past the cost rule: level legal is marked by hand."""
    legal, marked = (f"{library}.{name}.mlirbc" for name in ("legal", "marked"))
    for command in (["mopt-compile", path, "--emit=legal", "-o", legal, f"--target={target}"],
                    ["mopt-opt", legal, "--emit-bytecode", "-o", marked, "--pass-pipeline="
                     "builtin.module(func.func(mopt-select-sparsity{sparse=always}))"],
                    ["mopt-compile", marked, "-o", library, f"--target={target}"]):
        subprocess.run([_compile.tool(command[0]), *command[1:]], check=True)


def seconds(call, clock, target=0.05):
    count = 1
    while True:
        start = clock()
        for _ in range(count):
            call()
        elapsed = clock() - start
        if elapsed > target / 2:
            return elapsed / count
        count = max(2 * count, int(count * target / max(elapsed, 1e-9)))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--target", default="native")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--patterns", default="2:4,1:4")
    parser.add_argument("--rows", default="1,4,128")
    parser.add_argument("--shape", default="4096x4096")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--bytes", action="store_true")
    parser.add_argument("--always", action="store_true")
    parser.add_argument("--programs", action="store_true")
    options = parser.parse_args()
    if options.programs:
        import programs as mopt
    else:
        import mopt
    depth, width = (int(x) for x in options.shape.split("x"))
    # One thread is the caller's own: its time is not disturbed by other programs.
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    layers = options.layers or max(1, 192 * MIB // ((1 if options.bytes else 4) * depth * width))
    for pattern in options.patterns.split(","):
        for rows in (int(x) for x in options.rows.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "m.onnx")
                make_model(path, pattern, rows, depth, width, layers, options.bytes)
                sessions = []
                for mode in ("auto", "off"):
                    library = os.path.join(folder, mode + ".so")
                    if options.always and mode == "auto":
                        compile_always(path, library, options.target)
                    else:
                        mopt.compile(path, library, target=options.target, sparsity=mode)
                    sessions.append(mopt.InferenceSession(library, threads=options.threads))
                x = {"x": np.random.default_rng(1).standard_normal((rows, depth), np.float32)}
                sparse, dense = (s.run(None, x) for s in sessions)
                error = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(sparse, dense))
                assert error < 1e-5, error
                if options.programs:
                    from integers import seconds as time_program
                    times = [[time_program(s.library, s.threads, 0.2) for s in sessions]
                             for _ in range(options.rounds)]
                else:
                    times = [[seconds(lambda s=s: s.run(None, x), clock) for s in sessions]
                             for _ in range(options.rounds)]
                a, b = (statistics.median(t[i] for t in times) * 1e3 for i in (0, 1))
                ratio = statistics.median(t[1] / t[0] for t in times)
                if options.always:
                    how = "always"
                elif options.programs:
                    how = "/".join(sessions[0].micro_kernels)
                else:
                    how = "/".join({part["arithmetic"]
                                    for part in sessions[0].build_info["sparsity"]})
                print(f"{pattern} {rows} rows {depth}x{width} x {layers}: {how} {a:8.3f} ms, dense "
                      f"{b:8.3f} ms, speed-up {ratio:5.2f}, error {error:.1e}", flush=True)


if __name__ == "__main__":
    main()

"""One-thread speed of anchors against onnxruntime on shapes of BERT and ResNet.

usage: speed.py [avx2|avx512] [--quick]

Both engines run in turn in this process, in time of this thread's own; a figure
is the median of the rounds.
Weights are packed beforehand on either side.
"""

import statistics
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from kernel import FRONT, Kernel, aligned, resources, tensor

RNG = np.random.default_rng(1)
GEMMS = [(128, 768, 768), (128, 3072, 768), (128, 768, 3072), (384, 768, 768), (197, 768, 768),
         (512, 512, 512), (16, 768, 768), (1, 4096, 1024), (1, 1000, 2048)]
# height and width, channels, outputs, kernel, stride
CONVS = [(56, 64, 64, 3, 1), (28, 128, 128, 3, 1), (14, 256, 256, 3, 1), (7, 512, 512, 3, 1),
         (56, 64, 256, 1, 1), (14, 1024, 256, 1, 1), (56, 128, 128, 3, 2), (224, 3, 64, 7, 2),
         (56, 256, 512, 1, 2)]
# height and width, channels, stride
DEPTHWISE = [(112, 32, 1), (56, 144, 1), (56, 144, 2), (14, 576, 1)]


def session(nodes, x, y, weights):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", 1, x)],
        [helper.make_tensor_value_info("y", 1, y)],
        [onnx.numpy_helper.from_array(w, name) for name, w in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


def bound(model, x, y):
    binding = model.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", onnxruntime.OrtValue.ortvalue_from_numpy(y))
    return lambda: model.run_with_iobinding(binding)


def seconds(call, target=0.02):
    count = 1
    while True:
        start = time.thread_time()
        for _ in range(count):
            call()
        elapsed = time.thread_time() - start
        if elapsed > target / 2:
            return elapsed / count
        count = max(count * 2, int(count * target / max(elapsed, 1e-9)))


def report(title, flops, ours, theirs, ours_result, theirs_result, rounds):
    error = np.abs(ours_result - theirs_result).max() / np.abs(theirs_result).max()
    assert error < 1e-4, error
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    a, b = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    ratio = statistics.median(y / x for x, y in pairs)
    print(f"{title:34} {a * 1e6:9.1f} us {flops / a / 1e9:7.1f} GF/s   "
          f"onnxruntime {b * 1e6:9.1f} us   speed-up {ratio:5.2f}", flush=True)


def gemm(target, m, n, k, rounds):
    x, w, bias = aligned((m, k)), RNG.standard_normal((k, n), np.float32), np.zeros(n, np.float32)
    x[...] = RNG.standard_normal((m, k))
    bias[...] = RNG.standard_normal(n)
    text = f"""func.func @kernel(%x: {tensor((m, k))} {{bufferization.writable = false}}, %y: {tensor((m, n))}) -> {tensor((m, n))} attributes {{llvm.emit_c_interface}} {{
      %w = arith.constant dense_resource<w> : {tensor((k, n))}
      %bias = arith.constant dense_resource<bias> : {tensor((1, n))}
      %0 = mopt.matmul %x, %w : {tensor((m, k))}, {tensor((k, n))} -> {tensor((m, n))}
      %1 = mopt.binary <add> %0, %bias : {tensor((m, n))}, {tensor((1, n))} -> {tensor((m, n))}
      %2 = bufferization.materialize_in_destination %1 in %y : ({tensor((m, n))}, {tensor((m, n))}) -> {tensor((m, n))}
      return %2 : {tensor((m, n))}
    }}
    {resources(w=w, bias=bias)}"""
    y, z = aligned((m, n)), aligned((m, n))
    kernel = Kernel(text, target, FRONT + ",eliminate-empty-tensors")
    ours = kernel.bind(x, y)
    nodes = [helper.make_node("Gemm", ["x", "w", "bias"], ["y"])]
    theirs = bound(session(nodes, (m, k), (m, n), {"w": w, "bias": bias}), x, z)
    ours(), theirs()
    report(f"gemm {m}x{n}x{k}", 2 * m * n * k, ours, theirs, y, z, rounds)


def conv(target, size, channels, outputs, kernel, stride, rounds, group=1):
    pad = kernel // 2
    padded, count = size + 2 * pad, (size + 2 * pad - kernel) // stride + 1
    x = aligned((1, size, size, channels))
    x[...] = RNG.standard_normal(x.shape)
    w = RNG.standard_normal((outputs, channels // group, kernel, kernel), np.float32)
    bias = RNG.standard_normal(outputs, np.float32)
    # The memory planner lets producers write into padded buffers.
    full = aligned((1, padded, padded, channels))
    full[:, pad:pad + size, pad:pad + size] = x
    tx, ty = tensor(full.shape), tensor((1, count, count, outputs))
    tb = tensor((1, 1, 1, outputs))
    text = f"""func.func @kernel(%x: {tx} {{bufferization.writable = false}}, %y: {ty}) -> {ty} attributes {{llvm.emit_c_interface}} {{
      %w = arith.constant dense_resource<w> : {tensor(w.shape)}
      %bias = arith.constant dense_resource<bias> : {tb}
      %zero = arith.constant dense<0.0> : {tensor((1, 1, 1, 1))}
      %0 = mopt.conv %x, %w {{channels_last, group = {group}, strides = array<i64: {stride}, {stride}>,
        dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>}}
        : {tx}, {tensor(w.shape)} -> {ty}
      %1 = mopt.binary <add> %0, %bias : {ty}, {tb} -> {ty}
      %2 = mopt.binary <max> %1, %zero : {ty}, {tensor((1, 1, 1, 1))} -> {ty}
      %3 = bufferization.materialize_in_destination %2 in %y : ({ty}, {ty}) -> {ty}
      return %3 : {ty}
    }}
    {resources(w=w, bias=bias)}"""
    if kernel == stride == 1:
        # Every position is a row; as a product its result needs no reshape, for
        # which this lowering would copy it.
        tx, ty, tb = (tensor((count * count, d)) for d in (channels, outputs, outputs))
        tb, tw = tensor((1, outputs)), tensor((outputs, channels))
        text = f"""func.func @kernel(%x: {tx} {{bufferization.writable = false}}, %y: {ty}) -> {ty} attributes {{llvm.emit_c_interface}} {{
          %w = arith.constant dense_resource<w> : {tw}
          %bias = arith.constant dense_resource<bias> : {tb}
          %zero = arith.constant dense<0.0> : tensor<1x1xf32>
          %0 = mopt.matmul %x, %w {{transpose_rhs}} : {tx}, {tw} -> {ty}
          %1 = mopt.binary <add> %0, %bias : {ty}, {tb} -> {ty}
          %2 = mopt.binary <max> %1, %zero : {ty}, tensor<1x1xf32> -> {ty}
          %3 = bufferization.materialize_in_destination %2 in %y : ({ty}, {ty}) -> {ty}
          return %3 : {ty}
        }}
        {resources(w=w, bias=bias)}"""
        full = full.reshape(-1, channels)
    y = aligned((count * count, outputs) if kernel == stride == 1 else (1, count, count, outputs))
    z = aligned((1, outputs, count, count))
    ours = Kernel(text, target, FRONT + ",eliminate-empty-tensors").bind(full, y)
    nodes = [helper.make_node("Conv", ["x", "w", "bias"], ["t"], strides=[stride] * 2,
                              pads=[pad] * 4, group=group),
             helper.make_node("Relu", ["t"], ["y"])]
    nchw = aligned((1, channels, size, size))
    nchw[...] = np.moveaxis(x, -1, 1)
    theirs = bound(session(nodes, nchw.shape, z.shape, {"w": w, "bias": bias}), nchw, z)
    ours(), theirs()
    flops = 2 * count * count * outputs * (channels // group) * kernel * kernel
    name = "depthwise" if group > 1 else "conv"
    report(f"{name} {size}x{size} {channels}->{outputs} k{kernel} s{stride}", flops, ours, theirs,
           y.reshape(1, count, count, outputs), np.moveaxis(z, 1, -1), rounds)


def main():
    target = next((a for a in sys.argv[1:] if not a.startswith("-")), "avx512")
    rounds = 3 if "--quick" in sys.argv else 9
    for shape in GEMMS:
        gemm(target, *shape, rounds)
    for shape in CONVS:
        conv(target, *shape, rounds)
    for size, channels, stride in DEPTHWISE:
        conv(target, size, channels, channels, 3, stride, rounds, group=channels)


if __name__ == "__main__":
    main()

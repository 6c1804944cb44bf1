"""A small perceptron: 784-512-256-10, dynamic batch."""

import numpy as np

from .graph import Graph


def make():
    g = Graph("mlp", opset=17)
    value = g.input("x", np.float32, ["batch", 784])
    sizes = [784, 512, 256, 10]
    for layer, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        last = layer == len(sizes) - 2
        weight = g.random(f"fc{layer}.weight", [fan_out, fan_in], deviation=(2 / fan_in) ** 0.5)
        bias = g.random(f"fc{layer}.bias", [fan_out], deviation=0.05)
        value = g.op("Gemm", value, weight, bias, name=f"/fc{layer}/Gemm", transB=1,
                     output="logits" if last else None)
        if not last:
            value = g.op("Relu", value, name=f"/relu{layer}/Relu")
    g.output("logits", np.float32, ["batch", 10])
    return g.model()

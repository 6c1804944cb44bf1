"""MobileNet-v2, width 1.0, batch norms folded into the convolutions as exporters
of models in inference mode leave them."""

import numpy as np

from .graph import Graph

# expansion, channels, repeats, stride of the first
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
          (6, 160, 3, 2), (6, 320, 1, 1)]


class _Net:
    def __init__(self, graph):
        self.g = graph
        self.index = 0

    def conv(self, value, channels_in, channels_out, kernel, stride=1, groups=1, relu6=True):
        g, name = self.g, f"features.{self.index}"
        self.index += 1
        fan_in = channels_in // groups * kernel * kernel
        gain = 2.0 if relu6 else 1.0
        weight = g.random(f"{name}.weight", [channels_out, channels_in // groups, kernel, kernel],
                          deviation=(gain / fan_in) ** 0.5)
        bias = g.random(f"{name}.bias", [channels_out], deviation=0.1)
        pad = kernel // 2
        value = g.op("Conv", value, weight, bias, name=f"/{name}/Conv", dilations=[1, 1],
                     group=groups, kernel_shape=[kernel, kernel], pads=[pad] * 4,
                     strides=[stride, stride])
        if relu6:
            value = g.op("Clip", value, g.scalar(0.0), g.scalar(6.0), name=f"/{name}/Clip")
        return value

    def block(self, value, channels_in, channels_out, expansion, stride):
        hidden = channels_in * expansion
        inner = value
        if expansion != 1:
            inner = self.conv(inner, channels_in, hidden, 1)
        inner = self.conv(inner, hidden, hidden, 3, stride, groups=hidden)
        inner = self.conv(inner, hidden, channels_out, 1, relu6=False)
        if stride == 1 and channels_in == channels_out:
            inner = self.g.op("Add", value, inner)
        return inner


def make():
    g = Graph("mobilenet_v2", opset=13)
    net = _Net(g)
    value = net.conv(g.input("input", np.float32, ["batch", 3, 224, 224]), 3, 32, 3, stride=2)
    channels = 32
    for expansion, channels_out, repeats, stride in STAGES:
        for repeat in range(repeats):
            value = net.block(value, channels, channels_out, expansion, stride if repeat == 0 else 1)
            channels = channels_out
    value = net.conv(value, channels, 1280, 1)
    value = g.op("GlobalAveragePool", value)
    value = g.op("Flatten", value, axis=1)
    g.op("Gemm", value, g.random("classifier.weight", [1000, 1280], deviation=0.05),
         g.random("classifier.bias", [1000], deviation=0.1), transB=1, output="output")
    g.output("output", np.float32, ["batch", 1000])
    return g.model()

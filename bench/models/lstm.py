"""Two stacked LSTM layers of 256 over a batch-first sequence, and a classifier of
the last step; state in, state out, as a streaming export has it."""

import numpy as np

from .graph import Graph

INPUT, HIDDEN, CLASSES = 128, 256, 32


def make():
    g = Graph("lstm", opset=17)
    x = g.input("x", np.float32, ["batch", "sequence", INPUT])
    h0 = g.input("h0", np.float32, [2, "batch", HIDDEN])
    c0 = g.input("c0", np.float32, [2, "batch", HIDDEN])
    value = g.op("Transpose", x, perm=[1, 0, 2])
    states_h, states_c = [], []
    for layer, size in enumerate([INPUT, HIDDEN]):
        deviation = (1 / HIDDEN) ** 0.5
        w = g.random(f"lstm.W_{layer}", [1, 4 * HIDDEN, size], deviation=deviation)
        r = g.random(f"lstm.R_{layer}", [1, 4 * HIDDEN, HIDDEN], deviation=deviation)
        b = g.random(f"lstm.B_{layer}", [1, 8 * HIDDEN], deviation=deviation)
        begin, end = g.constant([layer]), g.constant([layer + 1])
        h = g.op("Slice", h0, begin, end, g.constant([0]))
        c = g.op("Slice", c0, begin, end, g.constant([0]))
        y, y_h, y_c = g.op("LSTM", value, w, r, b, "", h, c, outputs=3,
                           name=f"/lstm/LSTM_{layer}", hidden_size=HIDDEN)
        value = g.op("Squeeze", y, g.constant([1]))
        states_h.append(y_h)
        states_c.append(y_c)
    g.op("Concat", *states_h, axis=0, output="hn")
    g.op("Concat", *states_c, axis=0, output="cn")
    last = g.op("Gather", value, g.constant(-1), axis=0)
    g.op("Gemm", last, g.random("fc.weight", [CLASSES, HIDDEN], deviation=0.2),
         g.random("fc.bias", [CLASSES], deviation=0.05), transB=1, output="logits")
    g.output("logits", np.float32, ["batch", CLASSES])
    g.output("hn", np.float32, [2, "batch", HIDDEN])
    g.output("cn", np.float32, [2, "batch", HIDDEN])
    return g.model()

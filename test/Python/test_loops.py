"""Loops whose carried and stacked tensors change their sizes, against the onnx package's
evaluator."""

import mopt
import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

GROWING = """<ir_version: 8, opset_import: ["": 17]>
g (int64 n, float[A] x) => (float[B] y, float[N, C] rows) {
  start = Constant <value: tensor = float[1] {1}> ()
  always = Constant <value: tensor = bool {1}> ()
  y, rows = Loop (n, always, start) <body = b (int64 i, bool c, float[S] s) => (bool d, float[T] t, float[A] r) {
    d = Identity (c)
    t = Concat <axis: int = 0> (s, x)
    two = Constant <value: tensor = float {2}> ()
    k = Cast <to: int = 1> (i)
    m = Add (k, two)
    r = Mul (x, m)
  }>
}"""

# The width of what is stacked is known in the loop only.
STACKED = """<ir_version: 8, opset_import: ["": 17]>
g (float[N, A] x, float[A, B] w, float[C] state) => (float[D] last, float[N, E] rows) {
  last, rows = Scan <num_scan_inputs: int = 1, body = b (float[S] s, float[A] row) => (float[S] t, float[E] out) {
    p = MatMul (row, w)
    t = Add (s, p)
    out = Neg (t)
  }> (state, x)
}"""


@pytest.mark.parametrize("opt_level", [0, 3])
@pytest.mark.parametrize("text,shapes", [
    (GROWING, {"x": (3,)}), (STACKED, {"x": (4, 3), "w": (3, 5), "state": (5,)}),
    (STACKED, {"x": (4, 3), "w": (3, 1), "state": (5,)})])
def test_sizes(text, shapes, opt_level):
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(0)
    feed = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    if text is GROWING:
        feed["n"] = np.array(4, np.int64)
    expected = ReferenceEvaluator(model).run(None, feed)
    session = mopt.InferenceSession(model.SerializeToString(), opt_level=opt_level)
    for found, wanted in zip(session.run(None, feed), expected):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)

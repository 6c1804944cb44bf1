"""bfloat16 at shapes whose loops LLVM vectorizes across rows."""

import ml_dtypes
import mopt
import numpy as np
import onnx
import pytest


@pytest.mark.parametrize("shape", [(2, 3, 4, 6), (3, 5, 7), (24, 16)])
def test_softmax_of_masked_rows(shape):
    sizes = ",".join(map(str, shape))
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["": 22]> g (bfloat16[{sizes}] x) => (bfloat16[{sizes}] y)'
        " { y = Softmax <axis: int = -1> (x) }")
    session = mopt.InferenceSession(model.SerializeToString())
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = rng.random(shape).astype(np.float32)
        x[rng.random(shape) < 0.3] = -np.inf
        x[..., 0] = 0.5
        x = x.astype(ml_dtypes.bfloat16)
        wide = x.astype(np.float64)
        expected = np.exp(wide - wide.max(axis=-1, keepdims=True))
        expected /= expected.sum(axis=-1, keepdims=True)
        found = session.run(None, {"x": x})[0].astype(np.float64)
        np.testing.assert_allclose(found, expected, rtol=2.0**-6, atol=1e-6)

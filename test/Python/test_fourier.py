"""DFT of complex rows at lengths of every kind of radix, against NumPy."""

import mopt
import numpy as np
import onnx
import pytest

LENGTHS = [1, 2, 3, 4, 8, 13, 30, 34, 77, 256]


@pytest.mark.parametrize("inverse", [0, 1])
def test_lengths(inverse):
    rng = np.random.default_rng(0)
    nodes, values, names = [], {}, []
    for length in LENGTHS:
        name = f"x{length}"
        values[name] = rng.standard_normal((3, length, 2)).astype(np.float32)
        nodes.append(onnx.helper.make_node("DFT", [name], [f"y{length}"], inverse=inverse))
        names.append(f"y{length}")
    graph = onnx.helper.make_graph(
        nodes, "lengths",
        [onnx.helper.make_tensor_value_info(name, 1, ["n", *value.shape[1:]])
         for name, value in values.items()],
        [onnx.helper.make_tensor_value_info(name, 1, None) for name in names])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    found = mopt.InferenceSession(model.SerializeToString(), opt_level=0).run(None, values)
    for value, result in zip(values.values(), found):
        rows = value[..., 0].astype(np.float64) + 1j * value[..., 1]
        expected = (np.fft.ifft if inverse else np.fft.fft)(rows, axis=1)
        np.testing.assert_allclose(result[..., 0] + 1j * result[..., 1], expected,
                                   rtol=0, atol=1e-6 * np.abs(expected).max())

"""mopt.prune: the pattern holds, methods with data lose less, ONNX Runtime agrees."""

import sys

import mopt.__main__ as commands
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from quantization_models import (MODELS, Builder, feeds, perceptron, relative_error, residual,
                                 run_onnxruntime)

import mopt
from mopt.quantization.compensate import prune_rows
from mopt.quantization.layers import find_layers
from mopt.quantization.masks import Pattern
from mopt.quantization.prepare import prepare
from mopt.quantization.products import SecondMoments


def rows_of(model):
    """Weights by layer, the depth last and input channels fastest."""
    return {layer.name: layer.as_rows(layer.weights) for layer in find_layers(prepare(model))}


@pytest.mark.parametrize("pattern", ["2:4", "1:4", "4:8", "2:8"])
@pytest.mark.parametrize("name", MODELS)
def test_pattern_holds(name, pattern):
    result = mopt.prune(MODELS[name](), pattern=pattern)
    onnx.checker.check_model(result.model, full_check=True)
    kept, group = map(int, pattern.split(":"))
    rows = rows_of(result.model)
    pruned = [layer for layer in result.layers if layer.scheme == pattern]
    assert pruned
    for layer in pruned:
        counts = np.count_nonzero(rows[layer.name].reshape(-1, group), axis=1)
        assert counts.max() <= kept
    for layer in result.layers:
        assert layer.scheme == pattern or "whole groups" in layer.reason


@pytest.mark.parametrize("method", ["magnitude", "wanda", "sparsegpt"])
def test_share_of_zeros(method):
    result = mopt.prune(perceptron(), feeds("perceptron"), pattern="unstructured:0.7",
                        method=method)
    for rows in rows_of(result.model).values():
        assert (rows == 0).mean() == pytest.approx(0.7, abs=0.02)


def correlated(count=40):
    """Inputs of few directions, one of them large: what methods with data can use."""
    random = np.random.default_rng(1)
    basis = random.normal(size=(12, 40))
    scale = np.where(np.arange(40) % 8 == 0, 5, 1)
    return [{"x": ((random.normal(size=(3, 5, 12)) @ basis) * scale / 10).astype(np.float32)}
            for _ in range(count)]


def test_methods_with_data_lose_less():
    model, data = perceptron(), correlated()
    exact = run_onnxruntime(model, data)
    errors = {}
    for method in ("magnitude", "wanda", "sparsegpt"):
        result = mopt.prune(model, data, method=method)
        found = run_onnxruntime(result.model, data)
        errors[method] = relative_error(found, exact)
        assert result.drop == pytest.approx(errors[method], rel=0.01)
    assert errors["sparsegpt"] < 0.7 * errors["wanda"] < 0.7 * errors["magnitude"]


def test_convolutions_with_data():
    """Channels that are mixed of a few, as behind a trained layer."""
    b = Builder(6)
    model = b.model(b.conv(b.input("x", 2, 16, 7, 7), 16, 24, group=2))
    mix = b.random.normal(size=(16, 5)) / 2
    data = [{"x": (np.einsum("cd,ndhw->nchw", mix, b.random.normal(size=(2, 5, 7, 7)))
                   + 1).astype(np.float32)} for _ in range(8)]
    drops = [mopt.prune(model, data, method=method).drop
             for method in ("magnitude", "wanda", "sparsegpt")]
    assert drops[2] < 0.8 * min(drops[:2])


@pytest.mark.parametrize("attributes", [
    {}, {"strides": [2, 1], "pads": [1, 0, 2, 1]}, {"dilations": [2, 1]}, {"group": 2},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID"}])
def test_moments_predict_outputs(attributes):
    """The mean square of a convolution's outputs, from weights and moments alone."""
    b = Builder(3)
    x = b.input("x", 2, 4, 7, 9)
    y = b.node("Conv", x, b.weights(6, 4 // attributes.get("group", 1), 3, 3), **attributes)
    model = b.model(y)
    data = [{"x": b.random.normal(size=(2, 4, 7, 9)).astype(np.float32)}]
    layer, = find_layers(prepare(model))
    moments = SecondMoments(layer)
    moments.update(data[0]["x"])
    parts = np.split(layer.as_rows(layer.weights), layer.group)
    found = sum(np.einsum("ok,kl,ol->", w, s, w) for w, s in zip(parts, moments.squares))
    assert found == pytest.approx(float(np.square(run_onnxruntime(model, data)[0]).sum()),
                                  rel=1e-3)


def test_compensation_is_least_squares():
    """With one weight gone, what the others become is the best there is."""
    random = np.random.default_rng(2)
    x = random.normal(size=(300, 2)) @ np.array([[1, 0.9], [0, 0.4]])
    rows, mask = prune_rows(np.array([[0.2, 1.0]]), x.T @ x, Pattern.parse("1:2"))
    best = np.linalg.lstsq(x[:, 1:], x @ np.array([0.2, 1.0]), rcond=None)[0]
    assert mask.tolist() == [[False, True]]
    assert rows[0, 1] == pytest.approx(best[0], rel=0.01)


def test_reordered_channels_lose_less(monkeypatch):
    """Hidden channels of which four neighbours in a row matter, then four that do not."""
    b = Builder(4)
    x = b.node("Tanh", b.node("MatMul", b.input("x", "n", 5, 40), b.weights(40, 64)))
    scale = np.where(np.arange(64) // 4 % 2, 0.1, 1).astype(np.float32)[:, None]
    weights = (b.random.normal(size=(64, 48)) * scale).astype(np.float32)
    model, data = b.model(b.node("MatMul", x, b.constant(weights))), feeds("perceptron")
    module = sys.modules["mopt.quantization.prune"]  # The package has a function of that name.
    result = mopt.prune(model, data, exclude="n0MatMul", refine=False)
    monkeypatch.setattr(module, "_reorder", lambda *ignored: 0)
    plain = mopt.prune(model, data, exclude="n0MatMul", refine=False)
    assert result.drop < 0.7 * plain.drop


def test_pruned_and_quantized():
    """Zeros stay zeros in integers."""
    pruned = mopt.prune(perceptron(), feeds("perceptron"))
    model = mopt.quantize(pruned.model, feeds("perceptron"), sensitivity=False).model
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 2:
            array = numpy_helper.to_array(tensor)
            assert np.count_nonzero(array.reshape(-1, 4, array.shape[1]), axis=1).max() <= 2


def test_errors():
    for pattern in ("4:4", "0:4", "2", "unstructured:1.5", "unstructured:0", "a:b"):
        with pytest.raises(ValueError, match="expected a pattern"):
            mopt.prune(perceptron(), pattern=pattern)
    with pytest.raises(ValueError, match="expected method"):
        mopt.prune(perceptron(), method="random")
    with pytest.raises(ValueError, match="expected data"):
        mopt.prune(perceptron(), method="wanda")
    with pytest.raises(ValueError, match="no whole groups of 7"):
        mopt.prune(perceptron(), pattern="3:7")


def test_command(tmp_path, capsys):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    np.savez(tmp_path / "data.npz", x=np.stack([f["x"] for f in feeds("perceptron")]))
    arguments = ["prune", str(tmp_path / "model.onnx"), "-o", str(tmp_path / "out.onnx")]
    assert commands.main([*arguments, "--pattern", "2:4", "--data",
                          str(tmp_path / "data.npz")]) == 0
    assert "2:4" in capsys.readouterr().out
    assert run_onnxruntime(onnx.load(tmp_path / "out.onnx"), feeds("perceptron"))
    assert commands.main([*arguments, "--pattern", "5:4"]) == 1

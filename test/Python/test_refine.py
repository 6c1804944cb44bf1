"""Refining a pruned model: nearer to the float model on data that it has not seen."""

import mopt.__main__ as commands
import numpy as np
import onnx
from quantization_models import Builder, feeds, perceptron, relative_error, run_onnxruntime

import mopt
from mopt.quantization.layers import find_layers
from mopt.quantization.prepare import prepare


def layers_of(model):
    return {layer.name: layer for layer in find_layers(prepare(model))}


def test_unseen_data_gains():
    model, unseen = perceptron(), feeds("perceptron", 20, seed=9)
    exact = run_onnxruntime(model, unseen)
    plain, refined = (mopt.prune(model, feeds("perceptron", 60), refine=refine)
                      for refine in (False, True))
    assert plain.refined is None and "refined" not in str(plain)
    assert refined.refined.after < 0.9 * refined.refined.before
    assert refined.refined.layers == [layer.name for layer in refined.layers]
    assert "refined: held-out distance" in str(refined)
    errors = [relative_error(run_onnxruntime(result.model, unseen), exact)
              for result in (plain, refined)]
    assert errors[1] < 0.95 * errors[0]
    # What is zero stays zero, and what is not moves.
    before, after = layers_of(plain.model), layers_of(refined.model)
    for name, layer in before.items():
        assert np.array_equal(layer.weights == 0, after[name].weights == 0)
        assert not np.array_equal(layer.weights, after[name].weights)
    # The same again for the same data.
    again = mopt.prune(model, feeds("perceptron", 60))
    assert again.model.SerializeToString() == refined.model.SerializeToString()


def test_what_stays():
    """Biases without bias correction, layers that are excluded; all of it with few runs."""
    model, data = perceptron(), feeds("perceptron", 12)
    for result, biases in ((mopt.prune(model, data, exclude="n0MatMul"), False),
                           (mopt.prune(model, data, bias_correction=False), True)):
        given, found = layers_of(model), layers_of(result.model)
        if biases:
            assert np.array_equal(np.sort(given["n0MatMul"].bias), np.sort(found["n0MatMul"].bias))
        else:
            assert np.array_equal(np.sort(given["n0MatMul"].weights),
                                  np.sort(found["n0MatMul"].weights))
            assert "n0MatMul" not in (result.refined.layers if result.refined else [])
    assert mopt.prune(model, data[:3]).refined is None


def test_integers_are_not_mixed():
    """Rows of a table, which the descent leaves alone, and a product behind it."""
    b = Builder(3)
    table = b.node("Gather", b.weights(50, 32), "ids")
    b.inputs.append(onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [64]))
    model = b.model(b.node("MatMul", b.node("Tanh", b.node("MatMul", table, b.weights(32, 64))),
                           b.weights(64, 8)))
    random = np.random.default_rng(0)
    data = [{"ids": random.integers(50, size=64)} for _ in range(16)]
    result = mopt.prune(model, data)
    assert result.refined.after < result.refined.before


def test_command(tmp_path, capsys):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    np.savez(tmp_path / "data.npz", x=np.stack([f["x"] for f in feeds("perceptron", 60)]))
    for extra, said in ([], True), (["--no-refinement"], False):
        assert commands.main(["prune", str(tmp_path / "model.onnx"), "-o",
                              str(tmp_path / "out.onnx"), "--data", str(tmp_path / "data.npz"),
                              *extra]) == 0
        assert ("refined: " in capsys.readouterr().out) == said

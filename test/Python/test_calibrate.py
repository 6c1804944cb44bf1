"""Instrumented libraries, calibration files, and static quantization at compile time."""

import json

import mopt.__main__ as commands
import numpy as np
import onnx
import pytest
from quantization_models import (MODELS, Builder, feeds, perceptron, relative_error, residual,
                                 run_onnxruntime)

import mopt
from mopt.quantization.statistics import Statistics


def compile_static(model, calibration, path, *arguments):
    path.write_text(calibration if isinstance(calibration, str) else json.dumps(calibration))
    return mopt.compile(model, arguments=["--quantize=static-int8", f"--calibration={path}",
                                          *arguments])


def instrument(model):
    return mopt.compile(model, arguments=["--instrument=ranges"])


@pytest.mark.parametrize("name", ["residual", "perceptron"])
@pytest.mark.parametrize("method", ["minmax", "mse"])
def test_quantized_library_is_near(name, method, tmp_path):
    model, data = MODELS[name](), feeds(name)
    library = instrument(model)
    exact = run_onnxruntime(model, data)
    plain = mopt.InferenceSession(library)
    assert relative_error([plain.run(None, feed)[0] for feed in data], exact) < 1e-4
    calibration = mopt.calibrate(library, data, method=method)
    assert calibration["runs"] == len(data)
    quantized = mopt.InferenceSession(compile_static(model, calibration, tmp_path / "c.json"))
    found = [quantized.run(None, feed)[0] for feed in data]
    assert 0 < relative_error(found, exact) < 0.05
    layers = quantized.build_info["quantization"]
    assert all(layer["scheme"] == "static-int8" and layer["sqnr_db"] > 25 for layer in layers)
    assert {layer["arithmetic"] for layer in layers} <= {"integers", "floats"}
    # The same bytes for the same input.
    again = mopt.InferenceSession(compile_static(model, calibration, tmp_path / "c.json"))
    assert quantized.build_info["weights"] == again.build_info["weights"]


def test_statistics_are_those_of_the_value():
    """What the library counts is what NumPy counts, over runs of several sizes."""
    model = perceptron()
    expected = Statistics("x")
    data = [{"x": np.random.default_rng(n).normal(size=(n, 5, 40)).astype(np.float32) * 10.0**n}
            for n in (1, 2, 3)]
    data.append({"x": np.zeros((0, 5, 40), np.float32)})
    session = mopt.InferenceSession(instrument(model))
    names = [value.name for value in session.get_outputs()]
    key = next(name for name in names if name.startswith("mopt.histogram:"))
    found = Statistics("x")
    for feed in data:
        outputs = dict(zip(names, session.run(None, feed)))
        found.add(*outputs[key.replace("histogram", "extremes")], outputs[key])
        expected.update(feed["x"])
    assert (found.low, found.high, found.count) == (expected.low, expected.high, expected.count)
    assert np.array_equal(found.positive, expected.positive)
    assert np.array_equal(found.negative, expected.negative)


@pytest.mark.parametrize("name, gain", [("residual", 1), ("perceptron", 0.9)])
def test_means_correct_the_bias(name, gain, tmp_path):
    """Against a file without means, as older ones are; and the means are NumPy's. Most
    of the residual network's layers are too small to be quantized."""
    model, data = MODELS[name](), feeds(name, 40)
    calibration = mopt.calibrate(model, data, method="mse")
    first = next(iter(calibration["layers"].values()))
    axes = (0, 2, 3) if name == "residual" else (0, 1)
    exact_means = np.concatenate([feed["x"] for feed in data]).mean(axes, dtype=np.float64)
    assert first["means"] == pytest.approx(exact_means.tolist(), abs=1e-5)
    exact = run_onnxruntime(model, data)
    errors = []
    for kept in (True, False):
        for layer in calibration["layers"].values():
            if not kept:
                del layer["means"]
        quantized = mopt.InferenceSession(compile_static(model, calibration, tmp_path / "c.json"))
        found = np.concatenate([quantized.run(None, feed)[0] for feed in data])
        errors.append(relative_error([found], exact))
        axes = tuple(range(found.ndim - 1))
        shift = (found - np.concatenate(exact)).mean(axes)
        errors.append(float(np.linalg.norm(shift)))
    assert errors[0] < gain * errors[2]
    assert errors[1] < gain * errors[3]


@pytest.mark.parametrize("width", [17, 65, 97, 129])
def test_a_column_that_is_left_over(width, tmp_path):
    """Its byte is written alone, not over those of the next row."""
    b = Builder(5)
    x = b.node("MatMul", b.input("x", "n", 40), b.weights(40, width))
    model = b.model(b.node("MatMul", b.node("Relu", x), b.constant(np.eye(width, dtype="f"))))
    data = [{"x": np.random.default_rng(n).normal(size=(7, 40)).astype(np.float32)}
            for n in range(3)]
    quantized = mopt.InferenceSession(
        compile_static(model, mopt.calibrate(model, data), tmp_path / "c.json"))
    found = [quantized.run(None, feed)[0] for feed in data]
    assert relative_error(found, run_onnxruntime(model, data)) < 0.02


def test_calibration_of_another_model(tmp_path):
    calibration = mopt.calibrate(residual(), feeds("residual"))
    with pytest.raises(mopt.CompileError, match="of another model") as info:
        compile_static(perceptron(), calibration, tmp_path / "c.json")
    assert info.value.exit_code == 1


@pytest.mark.parametrize("change, message", [
    (lambda c: c["layers"].popitem(), "no range for its input"),
    (lambda c: next(iter(c["layers"].values())).update(low=1e300), "not finite|holds 0"),
    (lambda c: next(iter(c["layers"].values())).update(low=0.5), "holds 0"),
    (lambda c: next(iter(c["layers"].values())).update(high=None), "no number 'high'"),
    (lambda c: next(iter(c["layers"].values()))["means"].append(1), "the means of 40 channels"),
    (lambda c: next(iter(c["layers"].values())).update(means=[1e400]), "no array of numbers|JSON"),
    (lambda c: next(iter(c["layers"].values())).update(means=[None]), "no array of numbers"),
    (lambda c: next(iter(c["layers"].values())).update(means=3), "no array of numbers"),
    (lambda c: c.pop("model"), "no \"model\""),
    (lambda c: c.update(version=2), "another version"),
    (lambda c: c.update(format="other"), "is not one"),
])
def test_bad_calibration(change, message, tmp_path):
    calibration = mopt.calibrate(perceptron(), feeds("perceptron"))
    change(calibration)
    with pytest.raises(mopt.CompileError, match=message) as info:
        compile_static(perceptron(), calibration, tmp_path / "c.json")
    assert info.value.exit_code == 1


def test_bad_files_and_options(tmp_path):
    for arguments, message, code in (
            (["--quantize=static-int8"], "needs --calibration", 2),
            (["--quantize=static-int8", f"--calibration={tmp_path}/none"], "cannot be read", 1),
            (["--calibration=x.json"], "is for --quantize=static-int8", 2),
            (["--max-drop=0.1"], "is for --quantize=static-int8", 2),
            (["--instrument=ranges", "--quantize=dynamic-int8"], "excludes", 2)):
        with pytest.raises(mopt.CompileError, match=message) as info:
            mopt.compile(perceptron(), arguments=arguments)
        assert info.value.exit_code == code
    with pytest.raises(mopt.CompileError, match="is not JSON"):
        compile_static(perceptron(), "{", tmp_path / "c.json")


def test_accuracy_gate(tmp_path):
    model, data = perceptron(), feeds("perceptron")
    calibration = mopt.calibrate(model, data)
    path = tmp_path / "c.json"
    layers = mopt.InferenceSession(
        compile_static(model, calibration, path)).build_info["quantization"]
    worst = min(layers, key=lambda layer: layer["sqnr_db"])
    total = sum(10 ** (-layer["sqnr_db"] / 10) for layer in layers)
    drop = 0.99 * total**0.5
    gated = mopt.InferenceSession(compile_static(model, calibration, path, f"--max-drop={drop}"))
    excluded = [layer["layer"] for layer in gated.build_info["quantization"]
                if layer["scheme"] == "float"]
    assert excluded == [worst["layer"]]
    with pytest.raises(mopt.CompileError, match="--max-drop") as info:
        compile_static(model, calibration, path, "--max-drop=1e-9")
    assert info.value.exit_code == 4


def test_bad_data():
    library = instrument(perceptron())
    with pytest.raises(ValueError, match="data is empty"):
        mopt.calibrate(library, [])
    with pytest.raises(ValueError, match="input 'x' is missing"):
        mopt.calibrate(library, [{"z": np.zeros(3)}])
    with pytest.raises(ValueError, match="is not finite"):
        mopt.calibrate(library, [{"x": np.full((1, 5, 40), np.inf, np.float32)}])
    with pytest.raises(ValueError, match="had no elements"):
        mopt.calibrate(library, [{"x": np.zeros((0, 5, 40), np.float32)}])
    with pytest.raises(ValueError, match="has no statistics"):
        mopt.calibrate(mopt.compile(perceptron()), feeds("perceptron"))


def test_command(tmp_path, capsys):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    mopt.compile(str(tmp_path / "model.onnx"), tmp_path / "ranges.so",
                 arguments=["--instrument=ranges"])
    for index, feed in enumerate(feeds("perceptron")):
        np.savez(tmp_path / f"part{index}.npz", **feed)
    assert commands.main(["calibrate", str(tmp_path / "ranges.so"), "--method", "entropy",
                          "-o", str(tmp_path / "c.json"), "--data",
                          str(tmp_path / "part*.npz")]) == 0
    assert "3 layers, 4 runs" in capsys.readouterr().out
    assert json.loads((tmp_path / "c.json").read_text())["method"] == "entropy"

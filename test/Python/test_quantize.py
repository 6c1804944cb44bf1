"""mopt.quantize: the model it writes loads and agrees in ONNX Runtime and mopt, is near the
float model, and what does not fit is an error."""

import importlib.util
import pathlib

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from quantization_models import (MODELS, Builder, feeds, relative_error, residual,
                                 run_onnxruntime)

import mopt

# What rounding to so many bits may cost the outputs of these models.
ALLOWED = {"static-int8": 0.04, "dynamic-int8": 0.04, "weight-int8": 0.015,
           "weight-int4": 0.2}


def operators(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("mode", ALLOWED)
@pytest.mark.parametrize("name", MODELS)
def test_result_is_near_and_agrees(name, mode):
    model, data = MODELS[name](), feeds(name)
    result = mopt.quantize(model, data, mode=mode, group=16 if mode == "weight-int4" else 0)
    onnx.checker.check_model(result.model, full_check=True)
    exact = run_onnxruntime(model, data)
    plain = run_onnxruntime(result.model, data, optimized=False)
    run_onnxruntime(result.model, data)
    session = mopt.InferenceSession(result.model)
    found = [session.run(None, feed)[0] for feed in data]
    assert 0 < relative_error(plain, exact) < ALLOWED[mode]
    assert relative_error(found, plain) < 0.5 * ALLOWED[mode]
    assert result.drop == pytest.approx(relative_error(found, exact), rel=0.01)
    quantized = [layer for layer in result.layers if layer.scheme != "float"]
    assert len(quantized) == len(result.layers)
    assert sorted(layer.rank for layer in quantized) == list(range(1, len(quantized) + 1))
    assert all(layer.sqnr_db > 10 for layer in quantized)


def test_static_layers_are_computed_in_integers():
    """Weights, bias and activations of a convolution are integers; residual sum, pooling and
    concatenation lie between quantized values."""
    model = mopt.quantize(residual(), feeds("residual"), sensitivity=False).model
    assert "BatchNormalization" not in operators(model)
    producers = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm", "MaxPool", "Concat", "Add", "GlobalAveragePool"):
            assert {producers[x].op_type for x in node.input} == {"DequantizeLinear"}
    kinds = {t.name: t.data_type for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv":
            weights, bias = (kinds[producers[x].input[0]] for x in node.input[1:3])
            assert (weights, bias) == (onnx.TensorProto.INT8, onnx.TensorProto.INT32)


def test_variants():
    model, data = residual(), feeds("residual")
    exact = run_onnxruntime(model, data)
    for options in ({"method": "percentile"}, {"method": "entropy"}, {"method": "mse"},
                    {"per_channel": False}, {"activation_type": "int8"},
                    {"symmetric_activations": True, "activation_type": "int8"},
                    {"equalize": True}, {"bias_correction": False},
                    {"mode": "weight-int8", "symmetric": False},
                    {"mode": "weight-int4", "symmetric": False, "group": 8}):
        result = mopt.quantize(model, data, sensitivity=False, **options)
        onnx.checker.check_model(result.model, full_check=True)
        error = relative_error(run_onnxruntime(result.model, data, optimized=False), exact)
        assert error < 0.2, options


def test_weights_need_no_data(tmp_path):
    path = tmp_path / "out.onnx"
    result = mopt.quantize(residual().SerializeToString(), output=path, mode="weight-int8")
    assert result.drop is None
    assert onnx.load(path).graph.node


def test_equalization_evens_out_channels():
    """A channel that is a thousand times smaller than the others survives one scale."""
    b = Builder(4)
    x = b.node("Relu", b.conv(b.input("x", 1, 8, 9, 9), 8, 16))
    model = b.model(b.conv(x, 16, 8))
    for index, factor in ((0, 0.001), (1, 0.001), (2, 1000)):
        tensor = model.graph.initializer[index]
        array = numpy_helper.to_array(tensor).copy()
        part = array[:, 3] if index == 2 else array[3]
        part *= factor
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    data = [{"x": np.random.default_rng(i).normal(size=(1, 8, 9, 9)).astype(np.float32)}
            for i in range(4)]
    drops = [mopt.quantize(model, data, per_channel=False, equalize=value,
                           sensitivity=False).drop for value in (False, True)]
    assert drops[1] < 0.5 * drops[0]


def test_excluded_layers_stay():
    result = mopt.quantize(residual(), feeds("residual"), exclude=["Gemm", "n0Conv"])
    assert [layer.reason for layer in result.layers if layer.scheme == "float"] == [
        "excluded", "excluded"]
    with pytest.raises(ValueError, match="no layer to exclude is called 'nothing'"):
        mopt.quantize(residual(), feeds("residual"), exclude=["nothing"])


def test_max_drop_excludes_the_most_sensitive():
    model, data = residual(), feeds("residual")
    free = mopt.quantize(model, data)
    result = mopt.quantize(model, data, max_drop=0.7 * free.drop)
    left = [layer for layer in result.layers if layer.scheme == "float"]
    assert 0 < len(left) < len(result.layers)
    assert result.drop <= 0.7 * free.drop
    assert min(layer.rank for layer in left) == 1
    with pytest.raises(mopt.AccuracyError, match="at most 1e-09"):
        mopt.quantize(model, data, max_drop=1e-9)


def test_metric_of_the_caller():
    model, data = residual(), feeds("residual", 8)
    exact = run_onnxruntime(model, data)
    name = model.graph.output[0].name

    def accuracy(outputs):
        return np.mean([out[name].argmax(-1) == y.argmax(-1) for out, y in zip(outputs, exact)])

    result = mopt.quantize(model, data, max_drop=0.5, metric=accuracy)
    assert 0 <= result.drop <= 0.5


@pytest.mark.parametrize("data, message", [
    ([], "the data is empty"),
    (None, "expected data"),
    ([{"y": np.zeros((1, 3, 13, 11), np.float32)}], "input 'x' is missing"),
    ([{"x": np.zeros((1, 3, 13, 11), np.float32), "z": np.zeros(1)}], "no input is called 'z'"),
    ([{"x": np.zeros((1, 4, 13, 11), np.float32)}], "expected shape"),
    ([{"x": np.zeros((1, 3, 13, 11))}], "expected element type float32"),
    ([{"x": np.full((1, 3, 13, 11), np.nan, np.float32)}], "is not finite"),
    ([{"x": np.zeros((0, 3, 13, 11), np.float32)}], "had no elements"),
])
def test_bad_data(data, message):
    with pytest.raises(ValueError, match=message):
        mopt.quantize(residual(), data)


def test_bad_options():
    for options, message in (({"mode": "int3"}, "expected mode"), ({"method": "best"}, "method"),
                             ({"group": 32}, "groups are for"), ({"max_drop": -1}, "max_drop")):
        with pytest.raises(ValueError, match=message):
            mopt.quantize(residual(), feeds("residual"), **options)
    b = Builder()
    with pytest.raises(ValueError, match="nothing in the model can be quantized"):
        mopt.quantize(b.model(b.node("Relu", b.input("x", 4))), [{"x": np.zeros(4, np.float32)}])


def test_data_of_several_shapes():
    """Sensitivity is of the most frequent shape, the drop of all."""
    random = np.random.default_rng(7)
    data = [{"x": random.normal(size=(n, 3, 13, 11)).astype(np.float32)} for n in (1, 2, 2)]
    result = mopt.quantize(residual(), data, max_drop=0.5)
    exact = run_onnxruntime(residual(), data)
    session = mopt.InferenceSession(result.model)
    found = [session.run(None, feed)[0] for feed in data]
    assert result.drop == pytest.approx(relative_error(found, exact), rel=0.01)


def wheel_model(package, name):
    origin = importlib.util.find_spec(package).origin
    return str(pathlib.Path(origin).parent / name)


@pytest.mark.parametrize("mode", ["static-int8", "dynamic-int8"])
def test_classifier_of_text_directions(mode):
    """A real network of opset 11: squeeze and excitation, hard swish, reshaped biases."""
    model = wheel_model("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx")
    random = np.random.default_rng(0)
    data = [{"x": random.normal(0, 0.5, (1, 3, 48, 192)).astype(np.float32)} for _ in range(4)]
    result = mopt.quantize(model, data, mode=mode, sensitivity=False)
    assert "BatchNormalization" not in operators(result.model)
    exact = run_onnxruntime(onnx.load(model), data)
    found = run_onnxruntime(result.model, data, optimized=False)
    assert relative_error(found, exact) < 0.08
    assert result.drop == pytest.approx(relative_error(found, exact), abs=0.02)


def test_voice_activity():
    """A real network with one-dimensional convolutions, an LSTM, several inputs."""
    model = wheel_model("silero_vad", "data/silero_vad_16k_sequence.onnx")
    random = np.random.default_rng(0)
    data = [{"input": random.normal(0, 0.1, (8, 576)).astype(np.float32),
             "h": np.zeros((1, 1, 128), np.float32), "c": np.zeros((1, 1, 128), np.float32)}
            for _ in range(3)]
    result = mopt.quantize(model, data, sensitivity=False)
    schemes = {layer.name: layer.scheme for layer in result.layers}
    assert set(schemes.values()) == {"static-int8", "weight-int8"}
    exact = run_onnxruntime(onnx.load(model), data)
    assert relative_error(run_onnxruntime(result.model, data), exact) < 0.1


@pytest.mark.parametrize("name, share", [("residual", 1), ("perceptron", 0.8)])
@pytest.mark.parametrize("symmetric", [True, False])
def test_later_weights_make_up_for_earlier_ones(name, share, symmetric):
    data = feeds(name, 16)
    mix = np.random.default_rng(8).normal(size=(3, data[0]["x"].shape[-1]))
    for feed in data:  # Of few directions: there is something to make up with.
        feed["x"] = (feed["x"][..., :3] @ mix).astype(np.float32)
    drops = [mopt.quantize(MODELS[name](), data, mode="weight-int4", group=8, compensate=value,
                           symmetric=symmetric, sensitivity=False).drop
             for value in (False, True)]
    assert drops[1] < share * drops[0]


def test_model_that_returns_indices():
    b = Builder(9)
    y = b.node("MatMul", b.input("x", "n", 40), b.weights(40, 50))
    model = b.model(b.node("ArgMax", y, axis=1))
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    data = [{"x": b.random.normal(size=(200, 40)).astype(np.float32)}]
    result = mopt.quantize(model, data, mode="weight-int4", compensate=False)
    exact, found = run_onnxruntime(model, data)[0], run_onnxruntime(result.model, data)[0]
    assert 0 < result.drop < 0.3
    assert result.drop == pytest.approx((exact != found).mean(), abs=0.03)

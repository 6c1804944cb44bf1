"""Cross-layer equalization while compiling: floats stay the same bits, bytes lose less."""

import json

import mopt.__main__ as commands
import numpy as np
import onnx
import pytest
from quantization_models import Builder, relative_error, run_onnxruntime

import mopt

EQUALIZE, QUANTIZE, OBSERVE = "--equalize", "--quantize=static-int8", "--instrument=ranges"


class Spread(Builder):
    """Channels between two layers with scales from 1 / 256 to 256, which their readers undo."""

    def factors(self, count):
        return np.exp2(self.random.uniform(-8, 8, count)).astype(np.float32)

    def scaled(self, shape, axis, factors):
        broad = [1] * len(shape)
        broad[axis] = -1
        weights = self.random.normal(size=shape) / np.sqrt(max(1, int(np.prod(shape[1:]))))
        return self.constant((weights * factors.reshape(broad)).astype(np.float32))


def products():
    """Products with and without a transposed right side, a scalar, PRelu, LeakyRelu."""
    b = Spread(7)
    one, two = b.factors(65), b.factors(48)
    x = b.node("Reshape", b.input("x", "n", 5, 40), b.constant(np.array([-1, 40], np.int64)))
    x = b.node("MatMul", x, b.scaled((40, 65), 1, one))
    x = b.node("Relu", b.node("Add", b.scaled((65,), 0, one), x))
    x = b.node("MatMul", x, b.constant((b.random.normal(size=(65, 48)) / 8 / one[:, None]
                                        * two).astype(np.float32)))
    x = b.node("PRelu", b.node("Sub", x, b.scaled((48,), 0, two)), b.weights(48))
    x = b.node("Gemm", b.node("LeakyRelu", x), b.scaled((33, 48), 1, 1 / two), b.weights(33),
               transB=1)
    x = b.node("Gemm", b.node("Relu", x), b.weights(33, 48), alpha=0.5)
    return b.model(x), {"x": (3, 5, 40)}


def convolutions():
    """A depthwise filter and a pooling between two convolutions, then one with groups."""
    b = Spread(8)
    one, two, three = b.factors(32), b.factors(32), b.factors(32)
    x = b.input("x", "n", 16, 11, 9)
    x = b.node("Conv", x, b.scaled((32, 16, 3, 3), 0, one), b.scaled((32,), 0, one),
               pads=[1] * 4)
    x = b.node("Conv", b.node("Relu", x), b.scaled((32, 1, 3, 3), 0, two / one),
               b.scaled((32,), 0, two), group=32)
    x = b.node("MaxPool", b.node("LeakyRelu", x), kernel_shape=[2, 2])
    x = b.node("Conv", x, b.constant((b.random.normal(size=(32, 32, 1, 1)) / 6
                                      * three[:, None, None, None]
                                      / two[:, None, None]).astype(np.float32)))
    undo = np.repeat((1 / three).reshape(2, 16), 20, 0)[:, :, None, None]
    x = b.node("Conv", b.node("Relu", x),
               b.constant((b.random.normal(size=(40, 16, 3, 3)) / 12 * undo).astype(np.float32)),
               group=2)
    return b.model(x), {"x": (2, 16, 11, 9)}


def feeds(shapes, count=4):
    random = np.random.default_rng(3)
    return [{name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
            for _ in range(count)]


def run(library, data):
    session = mopt.InferenceSession(library)
    return [session.run(None, feed)[0] for feed in data], session.build_info


def quantize(model, calibration, path, *arguments):
    path.write_text(json.dumps(calibration))
    return mopt.compile(model, arguments=[QUANTIZE, f"--calibration={path}", *arguments])


@pytest.mark.parametrize("make, pairs", [(products, 3), (convolutions, 3)])
def test_floats_keep_their_bits(make, pairs):
    model, shapes = make()
    data = feeds(shapes)
    plain, info = run(mopt.compile(model), data)
    assert "equalization" not in info and info["options"]["equalize"] is False
    equalized, info = run(mopt.compile(model, arguments=[EQUALIZE]), data)
    assert info["options"]["equalize"] is True
    changed = info["equalization"]
    assert len(changed) >= pairs and all(pair["channels"] > 4 for pair in changed)
    assert relative_error(plain, run_onnxruntime(model, data)) < 1e-4
    for a, b in zip(plain, equalized):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("make", [products, convolutions])
def test_bytes_lose_less(make, tmp_path):
    model, shapes = make()
    data = feeds(shapes)
    exact = run_onnxruntime(model, data)
    errors = []
    for arguments in ([], [EQUALIZE]):
        library = mopt.compile(model, arguments=[OBSERVE, *arguments])
        calibration = mopt.calibrate(library, data, equalize=bool(arguments))
        assert calibration["equalized"] == bool(arguments)
        found, info = run(quantize(model, calibration, tmp_path / "c.json", *arguments), data)
        assert {layer["scheme"] for layer in info["quantization"]} == {"static-int8"}
        errors.append(relative_error(found, exact))
    assert errors[1] < 0.03
    assert errors[0] > 8 * errors[1]


def test_calibration_without_it(tmp_path):
    model, shapes = products()
    data = feeds(shapes)
    plain = mopt.calibrate(model, data)
    with pytest.raises(mopt.CompileError, match="c.json' was made without --equalize") as info:
        quantize(model, plain, tmp_path / "c.json", EQUALIZE)
    assert info.value.exit_code == 1
    # Of before there was such a thing.
    del plain["equalized"]
    quantize(model, plain, tmp_path / "c.json")
    with pytest.raises(mopt.CompileError, match="without --equalize"):
        quantize(model, plain, tmp_path / "c.json", EQUALIZE)
    equalized = mopt.calibrate(model, data, equalize=True)
    with pytest.raises(mopt.CompileError, match="c.json' was made with --equalize") as info:
        quantize(model, equalized, tmp_path / "c.json")
    assert info.value.exit_code == 1
    with pytest.raises(ValueError, match="without --equalize"):
        mopt.calibrate(mopt.compile(model, arguments=[OBSERVE]), data, equalize=True)


def test_command(tmp_path):
    model, shapes = products()
    onnx.save(model, tmp_path / "model.onnx")
    np.savez(tmp_path / "data.npz", **feeds(shapes)[0])
    assert commands.main(["calibrate", str(tmp_path / "model.onnx"), "--equalize", "-o",
                          str(tmp_path / "c.json"), "--data", str(tmp_path / "data.npz")]) == 0
    calibration = json.loads((tmp_path / "c.json").read_text())
    assert calibration["equalized"] is True
    quantize(model, calibration, tmp_path / "c.json", EQUALIZE)


def test_level_that_is_too_late(tmp_path):
    model, _ = products()
    mopt.compile(model, tmp_path / "m.mlir", arguments=["--emit=legal"])
    with pytest.raises(mopt.CompileError, match="--equalize apply to levels onnx and graph") as info:
        mopt.compile(tmp_path / "m.mlir", arguments=[EQUALIZE])
    assert info.value.exit_code == 2

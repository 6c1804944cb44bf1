"""Models whose tensors are of f16 or bf16, on each row of x86: sums are of f32, whatever the row
multiplies, and each result is rounded once."""

import os

import ml_dtypes
import numpy as np
import onnx
import pytest

import mopt
import x86_rows

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs an x86-64 machine")

DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def run(folder, target, kind, product, inputs, constants, result):
    """`y` of a model whose `product` computes it from `inputs` and `constants` (arrays by name,
    all representable); `result` is its type's shape. Inputs and outputs are of f32."""
    code = onnx.TensorProto.DataType.Value(kind.upper())
    casts = "".join(f"{name} = Cast<to = {code}>({name}_f32) " for name in inputs)
    sources = ", ".join(f"float[{shape}] {name}_f32" for name, (shape, _) in inputs.items())
    model = onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["": 20]> m ({sources}) => (float[{result}] y) '
        f"{{ {casts} p = {product} y = Cast<to = 1>(p) }}")
    for name, values in constants.items():
        model.graph.initializer.append(onnx.helper.make_tensor(
            name, code, values.shape, values.astype(DTYPES[kind]).tobytes(), raw=True))
    onnx.save(model, folder / "model.onnx")
    library = folder / "model.so"
    mopt.compile(folder / "model.onnx", target=target, output=library)
    feeds = {f"{name}_f32": values for name, (_, values) in inputs.items()}
    return x86_rows.run(library, target, feeds, folder)["y"].astype(np.float64)


def draw(random, kind, *shape):
    return random.normal(size=shape).astype(DTYPES[kind]).astype(np.float32)


def check(kind, found, wanted, magnitude):
    """Half a step of the type, and what f32 loses in sums of `magnitude`."""
    step = 2.0 ** (-11 if kind == "float16" else -8)
    np.testing.assert_array_less(
        np.abs(found - wanted), step * np.abs(wanted) + 1e-5 * magnitude + 1e-7)


@pytest.mark.parametrize("target", x86_rows.NEEDS)
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("rows, depth, columns", [(1, 130, 70), (33, 65, 96), ("m", 48, 33)])
def test_matmul(tmp_path, target, kind, rows, depth, columns):
    random = np.random.default_rng(depth)
    count = 19 if rows == "m" else rows
    x, w = draw(random, kind, count, depth), draw(random, kind, depth, columns)
    for constants in ({"w": w}, {}):
        inputs = {"x": (f"{rows},{depth}", x)}
        if not constants:
            inputs["w"] = (f"{depth},{columns}", w)
        found = run(tmp_path, target, kind, "MatMul(x, w)", inputs, constants,
                    f"{rows},{columns}")
        check(kind, found, x.astype(np.float64) @ w, np.abs(x) @ np.abs(w))


@pytest.mark.parametrize("target", x86_rows.NEEDS)
@pytest.mark.parametrize("kind", DTYPES)
def test_conv(tmp_path, target, kind):
    random = np.random.default_rng(1)
    x, w = draw(random, kind, 1, 6, 9, 11), draw(random, kind, 20, 6, 3, 3)
    found = run(tmp_path, target, kind, "Conv<pads = [1, 1, 1, 1]>(x, w)",
                {"x": ("1,6,9,11", x)}, {"w": w}, "1,20,9,11")
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3)).astype(np.float64)
    check(kind, found, np.einsum("nchwij,ocij->nohw", windows, w),
          np.einsum("nchwij,ocij->nohw", np.abs(windows), np.abs(w)))


@pytest.mark.parametrize("target", x86_rows.NEEDS)
def test_sums_beyond_the_range_of_f16(tmp_path, target):
    """60000 - 60000 + 1 in any order, though the sum of some is infinite in f16."""
    x = np.tile(np.float32([300, 300, 300, 300, -300, -300, -300, -300]), (9, 8))
    w = np.full((64, 64), 200, np.float32)
    x[:, 0] = 301
    found = run(tmp_path, target, "float16", "MatMul(x, w)", {"x": ("9,64", x)}, {"w": w}, "9,64")
    np.testing.assert_array_equal(found, np.full((9, 64), 200))

"""Quantized operators of the domain 'com.microsoft' against ONNX Runtime's."""

import pathlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import exact_onnxruntime
import mopt

RANDOM = np.random.default_rng
FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())


def run_both(op, inputs, output, attributes, constants=(), arguments=()):
    """The answers of both to one node; inputs that `constants` names are initializers.
    `arguments` are the compiler's."""
    names = ["" if value is None else f"x{i}" for i, value in enumerate(inputs)]
    values = {name: value for name, value in zip(names, inputs) if name}
    node = helper.make_node(op, names, ["y"], domain="com.microsoft", **attributes)
    fed = {name: value for name, value in values.items() if int(name[1:]) not in constants}
    graph = helper.make_graph(
        [node], op,
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype),
                                       value.shape) for name, value in fed.items()],
        [helper.make_tensor_value_info("y", output, None)],
        [numpy_helper.from_array(value, name) for name, value in values.items()
         if name not in fed])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)])
    wanted = exact_onnxruntime.run(model, fed, optimized=True)[0]
    found = mopt.InferenceSession(
        mopt.compile(model.SerializeToString(), arguments=arguments)).run(None, fed)[0]
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    return found, wanted


def scale(value):
    return np.float32(value)


def check_steps(found, wanted):
    """Equal up to one step, where a sum lies between two: rare unless scales are multiples
    of each other."""
    difference = np.abs(found.astype(np.int32) - wanted.astype(np.int32))
    assert difference.max(initial=0) <= 1
    assert (difference > 0).mean() < 0.02


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_binary(op, dtype):
    random, info = RANDOM(1), np.iinfo(dtype)
    a = random.integers(info.min, info.max + 1, (3, 5, 7)).astype(dtype)
    b = random.integers(info.min, info.max + 1, (5, 1)).astype(dtype)
    found, wanted = run_both(op, [a, scale(0.02), dtype(3), b, scale(0.03), dtype(9),
                                  scale(0.05), dtype(5)],
                             helper.np_dtype_to_tensor_dtype(a.dtype), {}, {1, 2, 4, 5, 6, 7})
    check_steps(found, wanted)


# Products and sums are fused by default, as ONNX Runtime fuses those of its sums but not
# those of its products.
@pytest.mark.parametrize("op, arguments", [("QLinearAdd", []),
                                           ("QLinearMul", ["--numerics=strict"])])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_order_of_operations(op, arguments, dtype):
    """All pairs of bytes, under scales that put many results close to two steps."""
    if op == "QLinearAdd" and not {"avx2", "fma"} <= FLAGS:
        pytest.skip("ONNX Runtime computes sums otherwise there")
    random, info = RANDOM(7), np.iinfo(dtype)
    every = np.arange(info.min, info.max + 1).astype(dtype)
    a, b = np.repeat(every, 256), np.tile(every, 256)
    for ratio in (0.25, 1.5, 2.0, 3.7):
        scales = random.uniform(0.01, 0.05, 2).astype(np.float32)
        result = scale(scales[0] * ratio if op == "QLinearAdd" else
                       scales[0] * scales[1] * 64 * ratio)
        zeros = random.integers(info.min, info.max + 1, 3).astype(dtype)
        found, wanted = run_both(op, [a, scales[0], zeros[0], b, scales[1], zeros[1], result,
                                      zeros[2]],
                                 helper.np_dtype_to_tensor_dtype(a.dtype), {}, {1, 2, 4, 5, 6, 7},
                                 arguments)
        np.testing.assert_array_equal(found, wanted)
        assert len(np.unique(wanted)) > 30


@pytest.mark.parametrize("op, attributes, step", [
    ("QLinearSigmoid", {}, 1 / 256), ("QLinearLeakyRelu", {"alpha": 0.1}, 0.02),
    ("QLinearGlobalAveragePool", {}, 0.01),
    ("QLinearAveragePool", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 1]},
     0.02),
    ("QLinearSoftmax", {"axis": -1, "opset": 13}, 1 / 256)])
def test_unary(op, attributes, step):
    x = RANDOM(2).integers(0, 256, (2, 3, 9, 8)).astype(np.uint8)
    found, wanted = run_both(op, [x, scale(0.02), np.uint8(120), scale(step), np.uint8(0)],
                             TensorProto.UINT8, attributes, {1, 2, 3, 4})
    check_steps(found, wanted)


def test_concat():
    random = RANDOM(3)
    parts = [random.integers(0, 256, (2, n, 3)).astype(np.uint8) for n in (1, 4)]
    found, wanted = run_both(
        "QLinearConcat", [scale(0.0413), np.uint8(10), parts[0], scale(0.0211), np.uint8(3),
                          parts[1], scale(0.0517), np.uint8(0)],
        TensorProto.UINT8, {"axis": 1}, {0, 1, 3, 4, 6, 7})
    check_steps(found, wanted)


@pytest.mark.parametrize("is_quantized", [True, False])
@pytest.mark.parametrize("per_channel", [True, False])
def test_gemm(per_channel, is_quantized):
    random = RANDOM(4)
    a = random.integers(0, 256, (5, 37)).astype(np.uint8)
    b = random.integers(-128, 128, (11, 37)).astype(np.int8)
    scales = random.uniform(0.01, 0.02, 11 if per_channel else ()).astype(np.float32)
    zeros = np.zeros(scales.shape, np.int8)
    bias = random.integers(-1000, 1000, 11).astype(np.int32)
    result = [scale(0.5), np.uint8(100)] if is_quantized else []
    found, wanted = run_both(
        "QGemm", [a, scale(0.02), np.uint8(99), b, scales, zeros, bias, *result],
        TensorProto.UINT8 if is_quantized else TensorProto.FLOAT, {"transB": 1},
        set(range(1, 9)))
    if is_quantized:
        check_steps(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("with_zeros", [True, False])
def test_integer_product_to_float(with_zeros):
    random = RANDOM(5)
    a = random.integers(0, 256, (2, 3, 19)).astype(np.uint8)
    b = random.integers(-128, 128, (19, 6)).astype(np.int8)
    zeros = [np.uint8(7), random.integers(-5, 5, 6).astype(np.int8)] if with_zeros else [None, None]
    found, wanted = run_both(
        "MatMulIntegerToFloat",
        [a, b, scale(0.02), random.uniform(0.01, 0.02, 6).astype(np.float32), *zeros,
         random.normal(size=6).astype(np.float32)], TensorProto.FLOAT, {}, {1, 2, 3, 4, 5, 6})
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)


def test_dynamic_product():
    random = RANDOM(6)
    a = random.normal(size=(7, 24)).astype(np.float32)
    b = random.integers(-128, 128, (24, 6)).astype(np.int8)
    found, wanted = run_both("DynamicQuantizeMatMul", [a, b, scale(0.01), np.int8(0)],
                             TensorProto.FLOAT, {}, {1, 2, 3})
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("depth, width, block, bits, zeros, rows", [
    (64, 10, 32, 4, None, (3,)), (70, 10, 32, 4, "packed", (1,)), (64, 5, 16, 4, "float", (2,)),
    (64, 8, 16, 8, "packed", (2,)), (96, 33, 32, 4, "packed", (2, 3))])
def test_blocks_of_few_bits(depth, width, block, bits, zeros, rows):
    random = RANDOM(7)
    blocks = -(-depth // block)
    weights = random.integers(0, 256, (width, blocks, block * bits // 8), dtype=np.uint8)
    inputs = [random.normal(size=(*rows, depth)).astype(np.float32), weights,
              random.uniform(0.01, 0.1, width * blocks).astype(np.float32)]
    if zeros == "packed":
        inputs.append(random.integers(0, 256, width * -(-blocks * bits // 8), dtype=np.uint8))
    elif zeros == "float":
        inputs.append(random.uniform(5, 9, (width, blocks)).astype(np.float32))
    for constants in ({1, 2, 3}, {2, 3}):
        found, wanted = run_both("MatMulNBits", inputs, TensorProto.FLOAT,
                                 {"K": depth, "N": width, "bits": bits, "block_size": block},
                                 constants)
        # Activations are rounded to 16 bits where weights stay packed.
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4 * np.abs(wanted).max())

"""What models are compared with: ONNX Runtime's integers, exact on every machine."""

import pathlib
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import reference
import unsigned_weights

RANDOM = np.random.default_rng(3)
LEFT = RANDOM.integers(0, 256, (5, 70), np.uint8)
# The largest weights: sums of two products are beyond 16 bits.
WEIGHTS = np.where(RANDOM.random((70, 33)) < 0.5, -128, 127).astype(np.int8)


def build(node, inputs, output, constants):
    return helper.make_model(helper.make_graph(
        [node], "product", inputs, [output],
        [numpy_helper.from_array(value, name) for name, value in constants.items()]),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
        ir_version=10)


def build_integer_product(zero_point):
    """LEFT less 7 times WEIGHTS (less 3), in s32."""
    constants = {"weights": WEIGHTS, "left_zero": np.uint8(7)}
    names = ["left", "weights", "left_zero"]
    if zero_point:
        constants["zero"] = np.int8(3)
        names.append("zero")
    return build(helper.make_node("MatMulInteger", names, ["y"]),
                 [helper.make_tensor_value_info("left", TensorProto.UINT8, LEFT.shape)],
                 helper.make_tensor_value_info("y", TensorProto.INT32, [5, 33]), constants)


@pytest.mark.parametrize("zero_point", [False, True])
@pytest.mark.parametrize("is_converted", [False, True])
def test_integers_are_exact(zero_point, is_converted):
    model = build_integer_product(zero_point)
    if is_converted:
        assert unsigned_weights.convert(model)
        onnx.checker.check_model(model)
    found = reference.run(model.SerializeToString(), {"left": LEFT})
    expected = (LEFT.astype(np.int32) - 7) @ (WEIGHTS.astype(np.int32) - 3 * zero_point)
    np.testing.assert_array_equal(found.exact[0], expected)


def test_conversion_keeps_a_convolution():
    constants = {"x_scale": np.float32(0.5), "x_zero": np.uint8(3),
                 "w": RANDOM.integers(-20, 20, (4, 3, 3, 3), np.int8),
                 "w_scale": RANDOM.random(4, np.float32) + np.float32(0.5),
                 "w_zero": np.zeros(4, np.int8), "y_scale": np.float32(90),
                 "y_zero": np.uint8(100)}
    model = build(helper.make_node("QLinearConv", ["x", *constants], ["y"]),
                  [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 3, 8, 8])],
                  helper.make_tensor_value_info("y", TensorProto.UINT8, [1, 4, 6, 6]), constants)
    feed = {"x": RANDOM.integers(0, 60, (1, 3, 8, 8), np.uint8)}
    before = reference.session(model.SerializeToString(), optimized=False).run(None, feed)
    assert unsigned_weights.convert(model)
    after = reference.session(model.SerializeToString(), optimized=False).run(None, feed)
    np.testing.assert_array_equal(before[0], after[0])


def build_dequantized_product(zero_type):
    """LEFT and WEIGHTS as floats, scaled by columns, multiplied and quantized."""
    constants = {"s": np.float32(0.1), "z": zero_type(7),
                 "t": RANDOM.random(33, np.float32) + np.float32(0.5), "u": np.float32(4000),
                 "w": WEIGHTS}
    nodes = [helper.make_node("DequantizeLinear", ["left", "s", "z"], ["a"]),
             helper.make_node("DequantizeLinear", ["w", "t"], ["b"], axis=1),
             helper.make_node("MatMul", ["a", "b"], ["c"]),
             helper.make_node("QuantizeLinear", ["c", "u", "z"], ["y"])]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(zero_type))
    model = build(nodes[0], [helper.make_tensor_value_info("left", kind, LEFT.shape)],
                  helper.make_tensor_value_info("y", kind, [5, 33]), constants)
    model.graph.node.extend(nodes[1:])
    onnx.checker.check_model(model)
    return model


def test_fused_products_are_exact():
    model = build_dequantized_product(np.uint8)
    expected = reference.session(model.SerializeToString(), optimized=False).run(
        None, {"left": LEFT})
    found = reference.run(model.SerializeToString(), {"left": LEFT})
    assert unsigned_weights.convert(model)
    onnx.checker.check_model(model)
    converted = reference.session(model.SerializeToString()).run(None, {"left": LEFT})
    for values in (found.exact, found.optimized, converted):
        # Rounding of a scale may move a value that lies between two steps.
        assert np.abs(values[0].astype(int) - expected[0]).max() <= 1


def test_leaves_other_sides_alone():
    """Weights of an s8 left side, and models without products of integers."""
    model = build_integer_product(False)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT8
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.int8(7), "left_zero"))
    assert not unsigned_weights.convert(model)
    assert not unsigned_weights.convert(build_dequantized_product(np.int8))

"""Running into the caller's arrays, on a processor that stands in for a device or not; how
tensors of devices come and go is tested in test/Target/NVPTX/device-tensors.test."""

import ctypes

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import mopt


def has_driver():
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def model():
    """y = x x, i = x > 0."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "x"], ["y"]),
         helper.make_node("Greater", ["x", "zero"], ["i"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 4]),
         helper.make_tensor_value_info("i", TensorProto.BOOL, [3, 4])],
        [onnx.numpy_helper.from_array(np.zeros((), np.float32), "zero")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module", name="session")
def make_session():
    return mopt.InferenceSession(model())


def arrays():
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    return x, {"y": np.full((3, 4), np.nan, np.float32), "i": np.zeros((3, 4), bool)}


def test_results_are_in_the_arrays(session):
    x, outputs = arrays()
    assert session.run_into(outputs, {"x": x}) is None
    np.testing.assert_array_equal(outputs["y"], x * x)
    np.testing.assert_array_equal(outputs["i"], x > 0)
    # An input that is an output is read before it is written.
    session.run_into({"y": x, "i": outputs["i"]}, {"x": x})
    np.testing.assert_array_equal(x, outputs["y"])


@pytest.mark.parametrize("name, value, error, message", [
    ("y", np.zeros((3, 4)), TypeError, "'y': expected elements of the model's type"),
    ("y", np.zeros((4, 3), np.float32).T, TypeError, "'y': expected elements one after the other"),
    ("y", [0.0] * 12, TypeError, "'y': expected an array with DLPack"),
    ("y", np.zeros((3, 3), np.float32), mopt.RunError, "output 'y': expected room for 48 bytes"),
    ("x", np.zeros((3, 5), np.float32), mopt.RunError, "input 'x'"),
    ("z", None, ValueError, "no output is called 'z'"),
    ("i", None, ValueError, "output 'i' is missing"),
])
def test_what_does_not_fit_is_said(session, name, value, error, message):
    x, outputs = arrays()
    if name == "x":
        x = value
    elif name == "i":
        del outputs[name]
    else:
        outputs[name] = value
    with pytest.raises(error, match=message.replace("(", r"\(")):
        session.run_into(outputs, {"x": x})


def test_shape_of_the_array_is_the_results(session):
    x, outputs = arrays()
    outputs["y"] = np.zeros((4, 3), np.float32)
    with pytest.raises(ValueError, match="'y': the result has another shape than the array"):
        session.run_into(outputs, {"x": x})


def test_stream_is_for_a_device(session):
    x, outputs = arrays()
    with pytest.raises(mopt.RunError, match="a stream is for a device") as raised:
        session.run_into(outputs, {"x": x}, stream=0)
    assert raised.value.status == "MOPT_INVALID_ARGUMENT"


@pytest.mark.skipif(has_driver(), reason="needs a machine without a device")
def test_processor_stands_in_where_asked(tmp_path):
    library = mopt.compile(model(), tmp_path / "model.so", target=["sm_90a", "native"],
                           fallback="processor")
    with pytest.raises(mopt.RunError, match="NVIDIA") as raised:
        mopt.InferenceSession(library)
    assert raised.value.status == "MOPT_UNSUPPORTED"
    session = mopt.InferenceSession(library, fallback="processor")
    assert "sm_90a" not in session.target
    x, outputs = arrays()
    np.testing.assert_array_equal(session.run(["y"], {"x": x})[0], x * x)
    with pytest.raises(ValueError, match="fallback: expected 'none' or 'processor'"):
        mopt.InferenceSession(library, fallback="gpu")

"""Every element type in every form in which a file can store it."""

import ml_dtypes
import numpy as np
import onnx
import pytest
from conftest import model, resources
from onnx import TensorProto, helper, numpy_helper

IDENTITY = [helper.make_node("Identity", ["w"], ["y"])]

# ONNX type, MLIR type, how the typed field of TensorProto stores it.
TYPES = {
    "FLOAT": "f32",
    "DOUBLE": "f64",
    "FLOAT16": "f16",
    "BFLOAT16": "bf16",
    "FLOAT8E4M3FN": "f8E4M3FN",
    "FLOAT8E4M3FNUZ": "f8E4M3FNUZ",
    "FLOAT8E5M2": "f8E5M2",
    "FLOAT8E5M2FNUZ": "f8E5M2FNUZ",
    "FLOAT8E8M0": "f8E8M0FNU",
    "FLOAT6E2M3": "f6E2M3FN",
    "FLOAT6E3M2": "f6E3M2FN",
    "FLOAT4E2M1": "f4E2M1FN",
    "INT8": "i8",
    "INT16": "i16",
    "INT32": "i32",
    "INT64": "i64",
    "UINT8": "ui8",
    "UINT16": "ui16",
    "UINT32": "ui32",
    "UINT64": "ui64",
    "INT4": "i4",
    "UINT4": "ui4",
    "INT2": "i2",
    "UINT2": "ui2",
    "BOOL": "i1",
    "COMPLEX64": "complex<f32>",
    "COMPLEX128": "complex<f64>",
}


def array_of(name, count):
    dtype = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, name))
    if name == "BOOL":
        return np.arange(count) % 3 == 0
    if name.startswith("COMPLEX"):
        return (np.arange(count) * (1 - 2j)).astype(dtype)
    if "INT" in name:
        bits = int(name.split("INT")[1])
        values = np.arange(count) % min(2**bits, 251)
        if name[0] == "I":
            values -= min(2**bits, 250) // 2
        return values.astype(dtype)
    if name == "FLOAT8E8M0":
        return (2.0 ** (np.arange(count) % 5)).astype(dtype)
    return ((np.arange(count) % 7) - (0 if name == "FLOAT8E8M0" else 3)).astype(dtype)


def raw_tensor(name, values):
    tensor = numpy_helper.from_array(values, "w")
    assert tensor.data_type == getattr(TensorProto, name) and tensor.HasField("raw_data")
    return tensor


def typed_tensor(name, values):
    """The same in the typed field, by the words of onnx.proto."""
    tensor = TensorProto(name="w", dims=values.shape, data_type=getattr(TensorProto, name))
    if name in ("FLOAT", "COMPLEX64"):
        tensor.float_data.extend(values.view(np.float32).tolist())
    elif name in ("DOUBLE", "COMPLEX128"):
        tensor.double_data.extend(values.view(np.float64).tolist())
    elif name == "INT64":
        tensor.int64_data.extend(values.tolist())
    elif name in ("UINT32", "UINT64"):
        tensor.uint64_data.extend(values.tolist())
    elif name in ("INT8", "INT16", "INT32"):
        tensor.int32_data.extend(values.tolist())
    elif name.endswith(("INT4", "INT2", "E2M1")):
        tensor.int32_data.extend(raw_tensor(name, values).raw_data)
    elif values.dtype.itemsize == 2:
        tensor.int32_data.extend(values.view(np.uint16).tolist())
    else:
        tensor.int32_data.extend(values.view(np.uint8).tolist())
    return tensor


def external_tensor(name, values, folder, offset):
    raw = raw_tensor(name, values)
    file = f"w{offset}.bin"
    (folder / file).write_bytes(b"\xee" * offset + raw.raw_data + b"\xee" * 5)
    tensor = TensorProto(
        name="w", dims=raw.dims, data_type=raw.data_type, data_location=TensorProto.EXTERNAL
    )
    for key, value in ("location", file), ("offset", offset), ("length", len(raw.raw_data)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def weight_model(tensor):
    return model(IDENTITY, initializer=[tensor], opsets=[("", 25)])


@pytest.mark.parametrize("count", [1, 5, 17, 1003])
@pytest.mark.parametrize("name", TYPES)
def test_storage_forms(imported, name, count):
    values = array_of(name, count)
    raw = raw_tensor(name, values)
    forms = [
        raw,
        typed_tensor(name, values),
        external_tensor(name, values, imported.folder, 64),
        external_tensor(name, values, imported.folder, 3),
    ]
    text, *others = imported.many(map(weight_model, forms), "--full")
    assert f"tensor<{count}x{TYPES[name]}>" in text
    if count > 16:
        (blob,) = resources(text).values()
        expected = values.view(np.uint8).tobytes() if name.startswith("FLOAT6") else raw.raw_data
        assert blob == expected
    else:
        assert "arith.constant dense<" in text
    for other in others:
        # Only the alignment of a blob depends on where it came from.
        assert resources(other) == resources(text)
        assert other.split("{-#")[0] == text.split("{-#")[0]


def small_text(imported, tensor):
    text = imported(weight_model(tensor), "--full")
    return text.split("arith.constant ")[1].split(" :")[0]


def test_values_of_small_tensors(imported):
    tensor = lambda dtype, values: numpy_helper.from_array(np.array(values, dtype), "w")
    assert small_text(imported, tensor(np.int8, [-128, 0, 127])) == "dense<[-128, 0, 127]>"
    assert small_text(imported, tensor(np.uint8, [0, 255])) == "dense<[0, 255]>"
    assert small_text(imported, tensor(bool, [1, 0, 0])) == "dense<[true, false, false]>"
    assert small_text(imported, tensor(np.complex64, [1 - 2j])) == "dense<(1.000000e+00,-2.000000e+00)>"
    assert small_text(imported, tensor(ml_dtypes.int4, [-8, 7, -1])) == "dense<[-8, 7, -1]>"
    assert small_text(imported, tensor(ml_dtypes.uint4, [15, 0, 1])) == "dense<[15, 0, 1]>"
    assert small_text(imported, tensor(ml_dtypes.int2, [-2, 1, -1, 0, 1])) == "dense<[-2, 1, -1, 0, 1]>"
    assert small_text(imported, tensor(ml_dtypes.float4_e2m1fn, [6, -0.5, 1.5])) == (
        "dense<[6.000000e+00, -5.000000e-01, 1.500000e+00]>"
    )
    assert small_text(imported, tensor(ml_dtypes.float6_e3m2fn, [28, -0.25])) == (
        "dense<[2.800000e+01, -2.500000e-01]>"
    )
    assert small_text(imported, tensor(ml_dtypes.float8_e4m3fn, [448, -1])) == (
        "dense<[4.480000e+02, -1.000000e+00]>"
    )
    assert small_text(imported, tensor(np.float32, [[np.inf, np.nan]])) == "dense<[[0x7F800000, 0x7FC00000]]>"
    assert small_text(imported, tensor(np.float32, 2.5)) == "dense<2.500000e+00>"


def test_empty_tensors(imported):
    cases = [(name, shape) for name in TYPES for shape in [(0,), (3, 0, 2)]]
    models = [weight_model(raw_tensor(name, array_of(name, 0).reshape(shape))) for name, shape in cases]
    for (name, shape), text in zip(cases, imported.many(models)):
        dims = "x".join(map(str, shape))
        assert f"arith.constant dense<> : tensor<{dims}x{TYPES[name]}>" in text


def test_scalar_without_dims(imported):
    tensor = TensorProto(name="w", data_type=TensorProto.INT64, int64_data=[7])
    assert "dense<7> : tensor<i64>" in imported(weight_model(tensor))


def test_any_byte_but_zero_is_true(imported):
    tensor = TensorProto(name="w", dims=[20], data_type=TensorProto.BOOL)
    tensor.raw_data = bytes(range(20))
    (blob,) = resources(imported(weight_model(tensor), "--full")).values()
    assert blob == b"\0" + b"\1" * 19
    (imported.folder / "w.bin").write_bytes(bytes(range(20)))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    (blob,) = resources(imported(weight_model(tensor), "--full")).values()
    assert blob == b"\0" + b"\1" * 19
    assert (imported.folder / "w.bin").read_bytes() == bytes(range(20))


def test_strings(imported):
    tensor = helper.make_tensor("w", TensorProto.STRING, [2, 2], [b"a", b"", b"c\xff", b'"'])
    text = imported(weight_model(tensor))
    assert 'onnx.node "Constant"() {value = dense<[["a", ""], ["c\\FF", "\\22"]]> : tensor<2x2x!onnx.string>}' in text
    assert "() -> tensor<2x2x!onnx.string>" in text
    empty = helper.make_tensor("w", TensorProto.STRING, [0], [])
    assert "dense<> : tensor<0x!onnx.string>" in imported(weight_model(empty))


@pytest.mark.parametrize("linear", [True, False])
def test_sparse_initializer(imported, linear):
    values = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.5, 2.5])
    indices = (
        helper.make_tensor("i", TensorProto.INT64, [2], [1, 5])
        if linear
        else helper.make_tensor("i", TensorProto.INT64, [2, 2], [0, 1, 1, 2])
    )
    sparse = helper.make_sparse_tensor(values, indices, [2, 3])
    text = imported(model(IDENTITY, sparse_initializer=[sparse]))
    assert "dense<[[0.000000e+00, 1.500000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00, 2.500000e+00]]>" in text


def test_resource_names_stay_unique(imported):
    value = lambda: helper.make_tensor("same", TensorProto.INT8, [20], range(20))
    nodes = [helper.make_node("Constant", [], [f"c{i}"], value=value()) for i in range(3)]
    text = imported(model(nodes, [], ["c0", "c1", "c2"]), "--full")
    assert sorted(resources(text)) == ["same", "same_1", "same_2"]


def test_import_from_memory(imported):
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [40], range(40))
    assert resources(imported(weight_model(tensor), "--full", "--memory")) == resources(
        imported(weight_model(tensor), "--full")
    )

"""What a library says before a run about the sizes of its outputs and its memory."""

import ctypes

import mopt
import numpy as np
import onnx
import pytest
from text_models import as_array, build

INVALID_SHAPE = 3


class Api(ctypes.Structure):
    """MoptModelApi as far as it is used here."""

    _fields_ = [("abi_version", ctypes.c_uint32), ("struct_bytes", ctypes.c_uint32),
                ("name", ctypes.c_char_p), ("build_info_json", ctypes.c_char_p),
                ("input_count", ctypes.c_int32), ("output_count", ctypes.c_int32),
                ("inputs", ctypes.c_void_p), ("outputs", ctypes.c_void_p),
                ("create", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)),
                ("destroy", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
                ("context_create", ctypes.c_void_p), ("context_destroy", ctypes.c_void_p),
                ("workspace_bytes", ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p,
                                                     ctypes.c_void_p)),
                ("infer_output_dims", ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p,
                                                       ctypes.c_void_p, ctypes.c_void_p))]


class Sizes:
    """A compiled model, asked for sizes."""

    def __init__(self, text, folder):
        path = str(folder / "model.so")
        mopt.compile(onnx.parser.parse_model(text), path)
        self.session = mopt.InferenceSession(path, threads=1)
        self.library = ctypes.CDLL(path)
        self.library.mopt_model.restype = ctypes.POINTER(Api)
        self.api = self.library.mopt_model().contents
        self.model = ctypes.c_void_p()
        assert self.api.create(None, ctypes.byref(self.model)) == 0

    def infer(self, rank, *dims):
        out = np.full(rank, 99, np.int64)
        dims = np.array(dims, np.int64)
        status = self.api.infer_output_dims(self.model, dims.ctypes.data, out.ctypes.data)
        return status or list(out)

    def workspace(self, *dims):
        dims = np.array(dims, np.int64)
        return self.api.workspace_bytes(self.model, dims.ctypes.data)


def source(inputs, outputs, body):
    return f'<ir_version: 8, opset_import: ["": 17]> m ({inputs}) => ({outputs}) {{ {body} }}'


def test_arithmetic_on_sizes(tmp_path):
    sizes = Sizes(source(
        "float[n, 3, h, w] x, float[k] b", "float[n, m] y, float[n, 3, p, q] z", """
            z = AveragePool<kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]>(x)
            e = Exp(z)
            s = Softmax<axis=1>(e)
            flat = Flatten(s)
            least = ReduceMin<keepdims=0>(b)
            y = Mul(flat, least)"""), tmp_path)
    for n, h, w, k in [(1, 8, 8, 2), (3, 7, 12, 1), (2, 1, 1, 5)]:
        rows, columns = (h + 1) // 2, (w + 1) // 2
        expected = [n, 3 * rows * columns, n, 3, rows, columns]
        assert sizes.infer(6, n, 3, h, w, k) == expected
        got = sizes.session.run(None, {"x": np.ones((n, 3, h, w), np.float32),
                                       "b": np.ones(k, np.float32)})
        assert [size for value in got for size in value.shape] == expected
    assert sizes.infer(6, 0, 3, 8, 8, 1) == [0, 48, 0, 3, 4, 4]
    small, large = sizes.workspace(1, 3, 16, 16, 1), sizes.workspace(4, 3, 16, 16, 1)
    assert 0 < small < large < 4 * 4 * 3 * 16 * 16 * 4
    # Two channels are none of this model's.
    assert sizes.infer(6, 1, 2, 8, 8, 1) == INVALID_SHAPE
    assert sizes.workspace(1, 2, 8, 8, 1) == -1


def test_memory_is_shared(tmp_path):
    """A long chain takes no more than a short one."""
    def chain(length):
        steps = [f"x{i + 1} = Softmax<axis={i % 2}>(x{i})" for i in range(length)]
        return source("float[n, m] x0", f"float[n, m] x{length}", "\n".join(steps))

    for length in (4, 12):
        (tmp_path / str(length)).mkdir()
    short, long = (Sizes(chain(length), tmp_path / str(length)) for length in (4, 12))
    assert short.workspace(100, 30) == long.workspace(100, 30)
    assert long.workspace(100, 30) <= 2 * 12032


def test_sizes_that_depend_on_values(tmp_path):
    sizes = Sizes(source(
        "float[n] x", "int64[1, k] i, float[n] y", "i = NonZero(x)  y = Neg(x)"), tmp_path)
    assert sizes.infer(3, 5) == [1, -1, 5]
    assert sizes.workspace(5) == -1
    i, y = sizes.session.run(None, {"x": np.array([0, 3, 0, 4, 5], np.float32)})
    assert i.tolist() == [[1, 3, 4]]
    assert y.tolist() == [0, -3, 0, -4, -5]


@pytest.mark.parametrize("body, shapes", [
    ("y = Add(x, w)", [(2, 3), (5,)]), ("y = Where(c, x, w)", [(2, 3), (3, 3)]),
    ("y = MatMul(x, w)", [(2, 3), (5, 4)]), ("y = MatMul(x, w)", [(2, 4, 3), (3, 3, 4)]),
    ("y = Gemm<transB=1>(x, w)", [(2, 3), (4, 5)])])
@pytest.mark.parametrize("constant", [False, True])
def test_sizes_that_do_not_fit(body, shapes, constant):
    """The run fails, and nothing is read beyond a tensor."""
    arrays = dict(zip("xw", map(as_array, shapes)), c=np.ones((1, 1), bool))
    inputs = ["x"] if constant else ["x", "w"]
    session = mopt.InferenceSession(mopt.compile(build(body, arrays, inputs, inputs)))
    with pytest.raises(mopt.RunError, match="has not the size that another one asks for"):
        session.run(None, {name: arrays[name] for name in inputs})

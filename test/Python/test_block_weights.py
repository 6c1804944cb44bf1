"""Products with weights of few bits that groups along the depth share a scale of."""

import pathlib

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import mopt

FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
TARGETS = [name for name, flags in {
    "x86-64-v2": {"sse4_2"}, "x86-64-v3": {"avx2", "fma"}, "x86-64-v4": {"avx512bw"},
    "icelake-server": {"avx512_vnni", "avx512_vbmi2"}}.items() if flags <= FLAGS]
# Errors relative to the largest result: activations are rounded to 16 bits, or not at all.
ERRORS = {"default": 1e-4, "strict": 2e-6}


class Case:
    """One product of `rows` x `depth` by `depth` x `width`, its model and the answer."""

    def __init__(self, rows, depth, width, group, bits=4, zeros=None, dynamic=False, form="bits",
                 scales=np.float32):
        self.random = random = np.random.default_rng(depth * width + rows[0])
        self.x = random.normal(size=(*rows, depth)).astype(np.float32)
        blocks = -(-depth // group)
        q = random.integers(0, 2**bits, (width, blocks * group))
        scale = random.uniform(0.01, 0.1, (width, blocks)).astype(scales).astype(np.float32)
        zero = np.full((width, blocks), 2**(bits - 1))
        if zeros:
            zero = random.integers(0, 2**bits, (width, blocks))
        real = (q - np.repeat(zero, group, 1)) * np.repeat(scale, group, 1).astype(np.float64)
        self.wanted = self.x.astype(np.float64) @ real[:, :depth].T
        build = self.build_bits if form == "bits" else self.build_blocks
        nodes, constants = build(q, scale, zero if zeros else None, depth, group, bits)
        dims = ["n" if dynamic else size for size in rows] + [depth]
        graph = helper.make_graph(
            nodes, "case", [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, dims[:-1] + [width])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()])
        self.model = helper.make_model(graph, ir_version=10, opset_imports=[
            helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)])

    @staticmethod
    def pack(values, bits):
        """Elements of the last dimension as bits of bytes, the lowest first."""
        per_byte = 8 // bits
        padded = np.pad(values, ((0, 0), (0, -values.shape[1] % per_byte)))
        parts = padded.reshape(len(values), -1, per_byte) << (bits * np.arange(per_byte))
        return parts.sum(-1).astype(np.uint8)

    def build_bits(self, q, scale, zero, depth, group, bits):
        width, blocks = scale.shape
        constants = {"w": self.pack(q, bits).reshape(width, blocks, -1), "s": scale.reshape(-1)}
        if zero is not None:
            constants["z"] = self.pack(zero, bits).reshape(-1)
        node = helper.make_node("MatMulNBits", ["x", *constants], ["y"], domain="com.microsoft",
                                K=depth, N=width, bits=bits, block_size=group)
        return [node], constants

    def build_blocks(self, q, scale, zero, depth, group, bits):
        dtype = {4: ml_dtypes.uint4, 8: np.uint8}[bits]
        if zero is None:
            dtype = {4: ml_dtypes.int4, 8: np.int8}[bits]
            q = q - 2**(bits - 1)
        constants = {"w": q[:, :depth].astype(dtype).T.copy(), "s": scale.T.copy()}
        if zero is not None:
            constants["z"] = zero.astype(dtype).T.copy()
        return [helper.make_node("DequantizeLinear", list(constants), ["d"], axis=0,
                                 block_size=group),
                helper.make_node("MatMul", ["x", "d"], ["y"])], constants

    def check(self, target="native", numerics="default", arguments=()):
        library = mopt.compile(self.model, target=target,
                               numerics=numerics,
                               arguments=arguments)
        found = mopt.InferenceSession(library).run(None, {"x": self.x})[0]
        assert found.shape == self.wanted.shape
        largest = np.abs(self.wanted).max(initial=1e-9)
        assert np.abs(found - self.wanted).max(initial=0) <= ERRORS[numerics] * largest


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("numerics", ERRORS)
@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 17])
def test_rows(target, numerics, rows):
    Case((rows,), 96, 70, 32).check(target, numerics)


@pytest.mark.parametrize("numerics", ERRORS)
@pytest.mark.parametrize("rows", [0, 1, 2, 5, 67, 200])
def test_dynamic_rows(numerics, rows):
    Case((rows,), 70, 130, 32, dynamic=True).check(numerics=numerics)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("numerics", ERRORS)
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("depth, width, group", [
    (64, 64, 16), (70, 33, 32), (200, 7, 64), (300, 129, 128), (50, 20, 64), (768, 65, 256)])
def test_groups(target, numerics, zeros, depth, width, group):
    Case((2,), depth, width, group, zeros=zeros).check(target, numerics)


@pytest.mark.parametrize("numerics", ERRORS)
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [False, True])
def test_bits(numerics, bits, zeros):
    Case((3,), 160, 40, 32, bits, zeros).check(numerics=numerics)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("depth, group", [(96, 32), (96, 96), (90, 30), (40, 8)])
def test_blocked_dequantization(bits, zeros, depth, group):
    Case((3,), depth, 40, group, bits, zeros, form="blocks").check()


def test_half_scales():
    Case((1,), 128, 70, 32, scales=np.float16).check()


def test_batches():
    Case((2, 3), 64, 40, 32).check()
    Case((2, 2), 64, 40, 32, dynamic=True).check()


def test_not_finite():
    """What is no number makes its own row none."""
    case = Case((3,), 64, 40, 32)
    case.x[1, 5] = np.nan
    found = mopt.InferenceSession(mopt.compile(case.model)).run(None, {"x": case.x})[0]
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2]]).all()


def test_small_library(tmp_path):
    """The weights are in the library once, in few bits."""
    case = Case((1,), 512, 512, 32, dynamic=True)
    assert mopt.compile(case.model, tmp_path / "m.so")
    assert (tmp_path / "m.so").stat().st_size < 512 * 512 * 4 / 2


@pytest.mark.parametrize("mode", ["weight-int4:group=32", "weight-int4:group=32,symmetric=false",
                                  "weight-int4", "weight-int8"])
def test_quantize_option(mode):
    """Floats through --quantize give what ONNX Runtime gives, up to the rounding of weights."""
    random = np.random.default_rng(3)
    w = random.normal(size=(128, 96)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "floats",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 128])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 96])],
        [numpy_helper.from_array(w, "w")])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    x = random.normal(size=(2, 128)).astype(np.float32)
    wanted = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    library = mopt.compile(model, quantize=mode)
    found = mopt.InferenceSession(library).run(None, {"x": x})[0]
    assert np.abs(found - wanted).mean() < 0.15 * np.abs(wanted).mean()

"""Scales, zero points and weights that are missing or do not fit: each is refused with an
error that names the node and says what was expected, or computed as ONNX Runtime does."""

import json

import ml_dtypes
import numpy as np
import pytest
import quantization_models
from text_models import as_array, build, draw, run_reference

import mopt

F, U8, S8, I32 = np.float32, np.uint8, np.int8, np.int32
S4, U4, E4M3 = ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.float8_e4m3fn
ONE = F(0.1)


def full(size, value=0.1):
    return np.full(size, value, F)


REFUSED = {}


def refused(name, body, message, code=1, **arrays):
    REFUSED[name] = (body, message, code, arrays)


BYTES = draw((2, 3), U8)
# Scales of DequantizeLinear.
refused("scale_missing", "y = DequantizeLinear(x)", "expected a tensor as input 1", x=BYTES)
refused("scale_left_out", "y = DequantizeLinear(x, , z)", "expected a tensor as input 1",
        x=BYTES, z=U8(0))
refused("scale_too_long", "y = DequantizeLinear<axis=1>(x, s)",
        "expected a scale and zero point for each of 3 positions along axis 1, found 4",
        x=BYTES, s=full(4))
refused("scale_of_other_axis", "y = DequantizeLinear<axis=0>(x, s)",
        "each of 2 positions along axis 0, found 3", x=BYTES, s=full(3))
refused("scale_of_matrix", "y = DequantizeLinear(x, s)", "expected one scale", x=BYTES,
        s=full((2, 3)))
refused("scale_of_one_too_many", "y = DequantizeLinear(x, s)", "expected one scale", x=BYTES,
        s=full((1, 3)))
refused("scale_of_integers", "y = DequantizeLinear(x, s)", "expected floats as the scale",
        x=BYTES, s=I32(1))
refused("scale_nan", "y = DequantizeLinear(x, s)", "expected a finite scale", x=BYTES,
        s=F(np.nan))
refused("scale_infinite", "y = DequantizeLinear(x, s)", "expected a finite scale", x=BYTES,
        s=F(np.inf))
refused("scale_nan_among_others", "y = DequantizeLinear<axis=1>(x, s)",
        "expected a finite scale", x=BYTES, s=np.array([1, np.nan, 1], F))
refused("scale_axis_beyond", "y = DequantizeLinear<axis=2>(x, s)",
        r"expected an axis in \[-2, 2\), found 2", x=BYTES, s=full(3))
refused("scale_axis_below", "y = DequantizeLinear<axis=-3>(x, s)",
        r"expected an axis in \[-2, 2\), found -3", x=BYTES, s=full(3))
refused("dequantized_floats", "y = DequantizeLinear(x, s)", "expected", x=(2, 3), s=ONE)

# Zero points.
refused("zero_of_other_type", "y = DequantizeLinear(x, s, z)",
        "expected a zero point of 'ui8', found 'i8'", x=BYTES, s=ONE, z=S8(0))
refused("zero_of_floats", "y = DequantizeLinear(x, s, z)", "expected a zero point of 'ui8'",
        x=BYTES, s=ONE, z=F(0))
refused("zero_wider", "y = DequantizeLinear(x, s, z)", "expected a zero point of 'ui8'",
        x=BYTES, s=ONE, z=np.uint16(300))
refused("zero_too_long", "y = DequantizeLinear<axis=1>(x, s, z)",
        "expected a zero point for each scale", x=BYTES, s=full(3), z=np.zeros(2, U8))
refused("zero_for_one_scale", "y = DequantizeLinear(x, s, z)",
        "expected a zero point for each scale", x=BYTES, s=ONE, z=np.ones(3, U8))
refused("zero_nibble_of_other_sign", "y = DequantizeLinear(x, s, z)",
        "expected a zero point of", x=draw((2, 4), U4), s=ONE, z=np.array(3, S4))
refused("zero_byte_of_nibbles", "y = DequantizeLinear(x, s, z)", "expected a zero point of",
        x=draw((2, 4), U4), s=ONE, z=U8(17))
refused("zero_of_small_floats", "y = DequantizeLinear(x, s, z)", "zero point of 0",
        x=np.zeros((2, 3), E4M3), s=ONE, z=np.array(1, E4M3))

# Blocks.
refused("block_negative", "y = DequantizeLinear<axis=1, block_size=-2>(x, s)", "block",
        x=draw((2, 8), U8), s=full((2, 4)))
refused("block_with_flat_scale", "y = DequantizeLinear<axis=1, block_size=2>(x, s)",
        "expected scales of 2 dimensions for blocks", x=draw((2, 8), U8), s=full(4))
refused("block_too_few", "y = DequantizeLinear<axis=1, block_size=2>(x, s)", "block",
        x=draw((2, 8), U8), s=full((2, 3)))
refused("block_too_many", "y = DequantizeLinear<axis=1, block_size=2>(x, s)", "block",
        x=draw((2, 8), U8), s=full((2, 5)))
refused("block_too_many_for_size", "y = DequantizeLinear<axis=1, block_size=4>(x, s)", "block",
        x=draw((2, 8), U8), s=full((2, 4)))
refused("block_rows_differ", "y = DequantizeLinear<axis=1, block_size=2>(x, s)", "expected",
        x=draw((2, 8), U8), s=full((3, 4)))
refused("block_zero_differs", "y = DequantizeLinear<axis=1, block_size=2>(x, s, z)",
        "expected a zero point for each scale", x=draw((2, 8), U8), s=full((2, 4)),
        z=np.zeros((2, 2), U8))
refused("block_zero_of_one", "y = DequantizeLinear<axis=1, block_size=2>(x, s, z)",
        "expected a zero point for each scale", x=draw((2, 8), U8), s=full((2, 4)), z=U8(1))
refused("block_axis", "y = DequantizeLinear<axis=2, block_size=2>(x, s)", "expected an axis",
        x=draw((2, 8), U8), s=full((2, 4)))

# QuantizeLinear.
refused("quantize_scale_missing", "y = QuantizeLinear(x)", "expected a tensor as input 1",
        x=(2, 3))
refused("quantize_scale_zero", "y = QuantizeLinear(x, s)", "scale to divide by, found 0", x=(2, 3), s=F(0))
refused("quantize_scale_zero_among_others", "y = QuantizeLinear(x, s)", "scale to divide by, found 0", x=(2, 3),
        s=np.array([1, 0, 1], F))
refused("quantize_scale_nan", "y = QuantizeLinear(x, s)", "expected a finite scale", x=(2, 3),
        s=F(np.nan))
refused("quantize_scale_too_long", "y = QuantizeLinear<axis=0>(x, s)",
        "each of 2 positions along axis 0, found 3", x=(2, 3), s=full(3))
refused("quantize_zero_differs", "y = QuantizeLinear<axis=1>(x, s, z)",
        "expected a zero point for each scale", x=(2, 3), s=full(3), z=np.zeros(2, U8))
refused("quantize_zero_of_other_type", "y = QuantizeLinear<output_dtype=3>(x, s, z)",
        "expected a zero point of 'i8', found 'ui8'", x=(2, 3), s=ONE, z=U8(0))
refused("quantize_to_floats", "y = QuantizeLinear<output_dtype=1>(x, s)", "expected", x=(2, 3),
        s=ONE)
refused("quantize_to_words", "y = QuantizeLinear<output_dtype=6>(x, s)", "expected", x=(2, 3),
        s=ONE)
refused("quantize_zero_words", "y = QuantizeLinear(x, s, z)", "expected", x=(2, 3), s=ONE,
        z=I32(0))
refused("quantize_zero_of_small_floats", "y = QuantizeLinear(x, s, z)", "zero point of 0",
        x=(2, 3), s=ONE, z=np.array(1, E4M3))

# Convolutions.
CONV = {"x": draw((1, 3, 5, 5), U8), "w": draw((4, 3, 3, 3), S8), "s": ONE, "z": U8(7),
        "v": S8(0)}


def conv(name, operands, message, code=1, **changes):
    refused(f"qlinear_conv_{name}", f"y = QLinearConv({operands})", message, code,
            **{**CONV, **changes})


conv("few_operands", "x, s, z, w, s, v, s", "expected a tensor as input 7")
conv("no_scale", "x, , z, w, s, v, s, z", "expected a tensor as input 1")
conv("input_scales", "x, t, z, w, s, v, s, z", "one scale", t=full(3))
conv("filter_scales", "x, s, z, w, t, v, s, z", "4", t=full(3))
conv("output_scales", "x, s, z, w, s, v, t, z", "one scale", t=full(4))
conv("scale_nan", "x, t, z, w, s, v, s, z", "expected a finite", t=F(np.nan))
conv("filter_scale_infinite", "x, s, z, w, t, v, s, z", "expected a finite",
     t=np.array([1, 1, np.inf, 1], F))
conv("output_scale_zero", "x, s, z, w, s, v, t, z", "result to divide by, found 0", t=F(0))
conv("scale_of_integers", "x, s, z, w, s, v, t, z", "expected floats as the scale", t=I32(1))
conv("input_zero_type", "x, s, v, w, s, v, s, z", "expected a zero point of 'ui8', found 'i8'")
conv("filter_zero_type", "x, s, z, w, s, z, s, z", "expected a zero point of 'i8', found 'ui8'")
conv("input_zeros", "x, s, t, w, s, v, s, z", "one zero point", t=np.ones(3, U8))
conv("filter_zeros", "x, s, z, w, s, t, s, z", "4", t=np.ones(3, S8))
conv("output_zeros", "x, s, z, w, s, v, s, t", "one zero point", t=np.ones(4, U8))
conv("output_words", "x, s, z, w, s, v, s, t", "expected", t=I32(0))
conv("bias_of_floats", "x, s, z, w, s, v, s, z, b", "expected a bias of 'i32'", b=full(4))
conv("bias_length", "x, s, z, w, s, v, s, z, b", "4", b=np.zeros(3, I32))
conv("floats", "x, s, f, w, s, v, s, z", "expected integers of 8 bits", x=(1, 3, 5, 5), f=F(0))
refused("conv_integer_zero_type", "y = ConvInteger(x, w, v)",
        "expected a zero point of 'ui8', found 'i8'", **CONV)
refused("conv_integer_filter_zeros", "y = ConvInteger(x, w, z, t)", "4",
        **{**CONV, "t": np.ones(3, S8)})

# Matrix products.
MATMUL = {"x": draw((2, 8), U8), "w": draw((8, 5), S8), "s": ONE, "z": U8(7), "v": S8(0)}


def matmul(name, operands, message, code=1, **changes):
    refused(f"qlinear_matmul_{name}", f"y = QLinearMatMul({operands})", message, code,
            **{**MATMUL, **changes})


matmul("few_operands", "x, s, z, w, s, v, s", "expected a tensor as input 7")
matmul("row_scales", "x, t, z, w, s, v, s, z", "2", t=full(3))
matmul("column_scales", "x, s, z, w, t, v, s, z", "5", t=full(4))
matmul("column_zeros", "x, s, z, w, s, t, s, z", "5", t=np.ones(4, S8))
matmul("row_zeros", "x, s, t, w, s, v, s, z", "2", t=np.ones(3, U8))
matmul("output_scales", "x, s, z, w, s, v, t, z", "2", t=full(3))
matmul("scale_nan", "x, s, z, w, t, v, s, z", "expected a finite", t=F(np.nan))
matmul("output_scale_zero", "x, s, z, w, s, v, t, z", "result to divide by, found 0", t=F(0))
matmul("scale_of_integers", "x, t, z, w, s, v, s, z", "expected floats as the scale", t=I32(1))
matmul("zero_type", "x, s, v, w, s, v, s, z", "expected a zero point of 'ui8', found 'i8'")
matmul("output_words", "x, s, z, w, s, v, s, t", "expected", t=I32(0))
matmul("depth", "x, s, z, w, s, v, s, z", "8", w=draw((7, 5), S8))
refused("matmul_integer_zero_type", "y = MatMulInteger(x, w, v)",
        "expected a zero point of 'ui8', found 'i8'", **MATMUL)
refused("matmul_integer_zeros", "y = MatMulInteger(x, w, z, t)", "5",
        **{**MATMUL, "t": np.ones(4, S8)})

# Weights of few bits.
NBITS = {"x": (2, 64), "w": draw((6, 4, 8), U8), "s": full((6, 4))}


def nbits(name, message, operands="x, w, s", code=1, K=64, N=6, bits=4, block=16, **changes):
    refused(f"nbits_{name}", f"y = com.microsoft.MatMulNBits<K={K}, N={N}, bits={bits}, "
            f"block_size={block}>({operands})", message, code, **{**NBITS, **changes})


nbits("bits", "weights of 3 bits", bits=3, code=3)
nbits("bits_none", "weights of 0 bits", bits=0, code=3)
nbits("block_none", "block_size", block=0)
nbits("block_negative", "block_size", block=-16)
nbits("block_odd", "block_size", block=15)
nbits("block_too_large", "6 x 2 scales", block=32)
nbits("depth", "expected", K=80)
nbits("depth_of_input", "64", K=60)
nbits("width", "bytes of weights", N=7)
nbits("width_none", "expected sizes K and N", N=0)
nbits("packed", "bytes of weights", w=draw((6, 4, 7), U8))
nbits("packed_type", "bytes of weights", w=draw((6, 4, 8), S8))
nbits("scales", "6 x 4 scales", s=full((6, 3)))
nbits("scales_flat", "6 x 4 scales", s=full(23))
nbits("scale_nan", "expected a finite scale", s=full(24, np.nan))
nbits("scale_integers", "expected floats as the scale", s=np.ones(24, I32))
nbits("zeros", "packed zero points", "x, w, s, z", z=draw((6, 3), U8))
nbits("zeros_floats", "zero points", "x, w, s, z", z=full((6, 3)))
nbits("zeros_type", "zero points", "x, w, s, z", z=draw((6, 2), S8))
nbits("g_idx", "'g_idx'", "x, w, s, , g", g=np.zeros(64, I32), code=3)
nbits("bias", "6", "x, w, s, , , b", b=(7,))
nbits("no_scales", "expected a tensor as input 2", "x, w")

# What ONNX Runtime's quantizer writes.
ADD = {"x": BYTES, "s": ONE, "z": U8(7)}
refused("qlinear_add_scale", "y = com.microsoft.QLinearAdd(x, t, z, x, s, z, s, z)",
        "one scale", **ADD, t=full(3))
refused("qlinear_add_zero_type", "y = com.microsoft.QLinearAdd(x, s, t, x, s, z, s, z)",
        "expected a zero point of 'ui8', found 'i8'", **ADD, t=S8(0))
refused("qlinear_add_output_zero_type", "y = com.microsoft.QLinearAdd(x, s, z, x, s, z, s, t)",
        "expected a zero point of 'ui8', found 'i8'", **ADD, t=S8(0))
refused("qlinear_add_output_scale", "y = com.microsoft.QLinearAdd(x, s, z, x, s, z, t, z)",
        "one scale", **ADD, t=full(3))
refused("qlinear_add_scale_nan", "y = com.microsoft.QLinearAdd(x, s, z, x, t, z, s, z)",
        "expected a finite scale", **ADD, t=F(np.nan))
refused("qlinear_sigmoid_scale_zero", "y = com.microsoft.QLinearSigmoid(x, s, z, t, z)",
        "result to divide by, found 0", **ADD, t=F(0))
refused("qgemm_scales", "y = com.microsoft.QGemm(x, s, z, w, t, v, , s, z)", "5",
        **MATMUL, t=full(4))
refused("dynamic_quantize_integers", "y, s, z = DynamicQuantizeLinear(x)", "expected", x=BYTES)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    body, message, code, arrays = REFUSED[name]
    arrays = {key: as_array(value) for key, value in arrays.items()}
    with pytest.raises(mopt.CompileError, match=message) as info:
        mopt.compile(build(body, arrays, ["x"]))
    error = info.value
    assert error.exit_code == code, error.stderr
    assert [d.op.split(".")[-1] for d in error.diagnostics] == [
        body.split("=")[1].split("<")[0].split("(")[0].strip().split(".")[-1]]


@pytest.mark.parametrize("all_inputs", [False, True])
@pytest.mark.parametrize("name", [
    "scale_too_long", "scale_of_other_axis", "block_too_few", "block_too_many",
    "block_rows_differ", "quantize_scale_too_long", "qlinear_matmul_row_scales",
    "qlinear_matmul_row_zeros", "qlinear_matmul_output_scales", "nbits_depth_of_input"])
def test_refused_at_run_time(name, all_inputs):
    """Where sizes are not known before, the run fails; nothing is read beyond a tensor."""
    body, _, _, arrays = REFUSED[name]
    arrays = {key: as_array(value) for key, value in arrays.items()}
    # Weights of few bits have sizes.
    inputs = list(arrays) if all_inputs and "nbits" not in name else ["x"]
    session = mopt.InferenceSession(mopt.compile(build(body, arrays, inputs, inputs)))
    with pytest.raises(mopt.RunError, match="has not the size that another one asks for"):
        session.run(None, {key: arrays[key] for key in inputs})


# What ONNX says nothing against, and ONNX Runtime computes.
ACCEPTED = {}


def accepted(name, body, inputs="x", **arrays):
    ACCEPTED[name] = (body, inputs.split(), {key: as_array(value) for key, value in arrays.items()})


accepted("words_with_zero", "y = DequantizeLinear(x, s, z)", x=np.ones((2, 3), I32), s=ONE,
         z=I32(3))
accepted("zero_scale", "y = DequantizeLinear<axis=1>(x, s)", x=BYTES, s=np.array([1, 0, 2], F))
accepted("denormal_scale", "y = DequantizeLinear(x, s)", x=BYTES, s=F(1e-40))
accepted("one_zero_point_in_a_list", "y = DequantizeLinear(x, s, z)", x=BYTES, s=full(1),
         z=np.ones(1, U8))
accepted("negative_scale", "y = DequantizeLinear(x, s, z)", x=BYTES, s=F(-0.1), z=U8(99))
# Every rewriting that a positive scale allows.
accepted("negative_steps", """f = DequantizeLinear(x, s, z)
                              r = Relu(f)
                              m = MaxPool<kernel_shape=[2, 2]>(r)
                              q = QuantizeLinear(m, s, z)
                              g = DequantizeLinear(q, s, z)
                              y = QuantizeLinear(g, s, z)""", x=draw((1, 2, 6, 5), U8),
         s=F(-0.1), z=U8(0))
accepted("negative_filter_scale", """f = DequantizeLinear(x, s, z)
                                     g = DequantizeLinear<axis=0>(w, t, v)
                                     c = Conv(f, g)
                                     r = Relu(c)
                                     y = QuantizeLinear(r, u, z)""", x=CONV["x"], w=CONV["w"],
         s=F(0.05), z=U8(0), u=F(0.6), t=np.array([0.02, -0.02, 0.01, -0.03], F),
         v=np.zeros(4, S8))
accepted("denormal_steps", "y = QuantizeLinear(x, s, z)", x=draw((3, 9)) * F(1e-38), s=F(1e-40),
         z=U8(128))
accepted("huge_steps", "y = QuantizeLinear(x, s, z)", x=draw((3, 9)) * F(1e38), s=F(3e38),
         z=U8(128))
accepted("negative_conv", "y = QLinearConv(x, s, z, w, t, v, u, z)", **{
    **CONV, "s": F(-0.05), "t": np.array([0.02, -0.02, 0.01, -0.03], F), "u": F(0.6)})
# Scales that run time gives.
accepted("scale_input", "y = DequantizeLinear(x, s, z)", "x s z", x=BYTES, s=ONE, z=U8(7))
accepted("scale_input_axis", "y = DequantizeLinear<axis=1>(x, s, z)", "x s z", x=BYTES,
         s=np.array([0.1, 0.2, 0.3], F), z=np.array([1, 2, 3], U8))
accepted("scale_input_blocks", "y = DequantizeLinear<axis=1, block_size=2>(x, s)", "x s",
         x=draw((2, 7), U8), s=draw((2, 4)))
accepted("steps_input", "y = QuantizeLinear(x, s, z)", "x s z", x=(3, 9), s=ONE, z=U8(128))
accepted("dynamic_product", """q, s, z = DynamicQuantizeLinear(x)
                               f = DequantizeLinear(q, s, z)
                               g = DequantizeLinear(w, t)
                               y = MatMul(f, g)""", "x t", x=(3, 16), w=draw((16, 5), S8),
         t=F(0.02))
accepted("conv_inputs", "y = QLinearConv(x, s, z, w, t, v, u, z)", "x s z w t v u", **{
    **CONV, "t": np.array([0.02, 0.03, 0.01, 0.03], F), "u": F(0.6), "v": np.array([1, 0, 3, 2], S8)})
accepted("matmul_inputs", "y = QLinearMatMul(x, s, z, w, t, v, u, z)", "x s z w t v u", **{
    **MATMUL, "t": full(5, 0.02), "v": np.array([1, 0, 3, 2, 4], S8), "u": F(0.6)})
accepted("nbits_inputs",
         "y = com.microsoft.MatMulNBits<K=64, N=6, bits=4, block_size=16>(x, w, s, z)", "x w s z",
         **NBITS, z=draw((6, 2), U8))
accepted("qlinear_add_inputs", "y = com.microsoft.QLinearAdd(x, s, z, x, s, z, u, z)", "x s z u",
         **ADD, u=F(0.25))


@pytest.mark.parametrize("numerics", ["default", "strict"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name, numerics):
    body, inputs, arrays = ACCEPTED[name]
    model = build(body, arrays, inputs)
    feeds = {key: arrays[key] for key in inputs}
    wanted = run_reference(model, feeds)[0]
    found = mopt.InferenceSession(mopt.compile(model, numerics=numerics)).run(None, feeds)[0]
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    if found.dtype == np.float32:
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4 * np.abs(wanted).max())
    else:
        # A step where a value lies between two.
        difference = np.abs(found.astype(int) - wanted)
        assert difference.max() <= 1 and (difference > 0).mean() < 0.05


@pytest.mark.parametrize("inputs", ["x", "x s p t q"])
def test_scales_of_rows(inputs):
    """ONNX's, which ONNX Runtime has not."""
    arrays = {**MATMUL, "s": np.array([0.1, 0.2], F), "p": np.array([1, 2], U8),
              "t": full(5, 0.02), "q": np.array([1, 0, 3, 2, 4], S8), "u": F(0.6)}
    body = "y = QLinearMatMul(x, s, p, w, t, q, u, z)"
    feeds = {key: arrays[key] for key in inputs.split()}
    found = mopt.InferenceSession(mopt.compile(build(body, arrays, feeds))).run(None, feeds)[0]
    x = (arrays["x"] - arrays["p"][:, None].astype(int)) * arrays["s"][:, None].astype(float)
    w = (arrays["w"] - arrays["q"].astype(int)) * arrays["t"].astype(float)
    wanted = np.clip(np.rint(x @ w / arrays["u"]) + arrays["z"], 0, 255)
    assert np.abs(found - wanted).max() <= 1


@pytest.mark.parametrize("option, message", [
    ("--quantize=int7", "expected none, dynamic-int8"),
    ("--quantize=weight-int4:", "expected a setting"),
    ("--quantize=weight-int4:group=32,", "expected a setting"),
    ("--quantize=weight-int4:group", "expected 'group' of at least 1, found ''"),
    ("--quantize=weight-int4:group=0", "expected 'group' of at least 1, found '0'"),
    ("--quantize=weight-int4:group=-8", "expected 'group' of at least 1, found '-8'"),
    ("--quantize=weight-int4:group=1e2", "expected 'group' of at least 1, found '1e2'"),
    ("--quantize=weight-int4:group=99999999999999999999", "expected 'group'"),
    ("--quantize=weight-int8:symmetric=maybe", "expected 'symmetric' of true or false"),
    ("--quantize=dynamic-int8:group=32", "expected no settings of 'dynamic-int8'"),
    ("--quantize=static-int8:symmetric=false", "expected no settings of 'static-int8'"),
    ("--prune=", "expected N:M"), ("--prune=4:2", "expected N:M"),
    ("--prune=0:4", "expected N:M"), ("--prune=2.5:4", "expected N:M"),
    ("--prune=2:4:", "expected N:M"), ("--prune=2:4:wanda", "expected N:M"),
    ("--sparsity=2:256", "expected auto, off or N:M"), ("--sparsity=2:4:4", "expected auto"),
    ("--max-drop=nan", "expected a number from 0 on"),
    ("--max-drop=-1", "expected a number from 0 on")])
def test_options(option, message):
    with pytest.raises(mopt.CompileError, match=message) as info:
        mopt.compile(quantization_models.perceptron(), arguments=[option])
    assert info.value.exit_code == 2


@pytest.fixture(scope="module")
def calibration():
    return mopt.calibrate(quantization_models.perceptron(),
                          quantization_models.feeds("perceptron"))


def change_layer(**numbers):
    def change(calibration):
        next(iter(calibration["layers"].values())).update(numbers)
        return json.dumps(calibration)
    return change


@pytest.mark.parametrize("change, message", [
    (lambda c: "", "is not JSON"),
    (lambda c: json.dumps(c)[:300], "is not JSON"),
    (lambda c: json.dumps(c) + "x", "is not JSON"),
    (lambda c: "\0\1", "is not JSON"),
    (lambda c: "[" * 100000, "more than 16 deep"),
    (lambda c: json.dumps([c]), "is not one"),
    (lambda c: json.dumps({**c, "layers": [1]}), "no \"layers\""),
    (lambda c: json.dumps({**c, "layers": dict.fromkeys(c["layers"], 3)}), "no number 'low'"),
    (lambda c: json.dumps({**c, "model": "0" * 64}), "of another model"),
    (change_layer(low=float("nan")), "is not JSON"),
    (change_layer(high=float("inf")), "is not JSON"),
    (change_layer(low="-1"), "no number 'low'"),
    (change_layer(low=-1e300, high=1e300), "is not finite"),
    (change_layer(low=1, high=-1), "node 'n0MatMul'.* expected a range that holds 0"),
    (change_layer(relative_noise=-1), "node 'n0MatMul'.* expected a share of noise"),
])
def test_calibrations(change, message, calibration, tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text(change(json.loads(json.dumps(calibration))))
    with pytest.raises(mopt.CompileError, match=message) as info:
        mopt.compile(quantization_models.perceptron(), quantize="static-int8",
                     arguments=[f"--calibration={path}"])
    assert info.value.exit_code == 1

"""Softmax over values that are not finite, masked or far apart: what one row has must not
reach another, and a masked element is exactly 0. Compared with NumPy in 64 bits."""

import numpy as np
import pytest
from text_models import build

import mopt

LENGTHS = [1, 2, 3, 7, 16, 33, 128]


def softmax(x, axis):
    """As its definition has it: NaN or an infinite maximum makes NaN of all of a row."""
    with np.errstate(invalid="ignore"):
        e = np.exp(x.astype(np.float64) - np.max(x, axis, keepdims=True))
        return e / np.sum(e, axis, keepdims=True)


def draw_rows(length, dtype):
    """Rows of all kinds; each but the first ends in what it is about."""
    rng = np.random.default_rng(length)
    x = rng.normal(0, 3, (9, length)).astype(dtype)
    largest = np.finfo(dtype).max
    for row, value in enumerate([np.nan, np.inf, -np.inf, -largest, largest, -88, -100], 1):
        x[row, -1] = value
    x[8] = -np.inf
    return x


@pytest.mark.parametrize("target", ["native", "x86-64-v3"])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 1e-12),
                                              (np.float16, 2e-3)])
def test_rows(target, axis, dtype, tolerance):
    for length in LENGTHS:
        x = draw_rows(length, dtype)
        if axis == 0:
            x = np.ascontiguousarray(x.T)
        model = build(f"y = Softmax<axis={axis}>(x)", {"x": x}, ["x"])
        found, = mopt.InferenceSession(mopt.compile(model, target=target)).run(None, {"x": x})
        expected = softmax(x, axis)
        assert found.dtype == dtype
        # Below the least normal f32 it may be 0; f16 has steps there.
        atol = max(2e-38, 2 * np.finfo(dtype).smallest_subnormal)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=atol)
        masked = np.isneginf(x) & np.isfinite(expected)
        assert masked.any() == (length > 1)
        assert not found[masked].any()


@pytest.mark.parametrize("target", ["native", "x86-64-v3"])
def test_few_elements(target):
    """One row, whose loops LLVM unrolls."""
    for length in range(1, 40):
        x = np.arange(length, dtype=np.float32)[None] - 1
        model = build("y = Softmax<axis=1>(x)", {"x": x}, ["x"])
        found, = mopt.InferenceSession(mopt.compile(model, target=target)).run(None, {"x": x})
        np.testing.assert_allclose(found, softmax(x, 1), rtol=2e-6)


@pytest.mark.parametrize("target", ["native", "x86-64-v3"])
def test_logarithm(target):
    x = draw_rows(33, np.float32)
    model = build("y = LogSoftmax<axis=1>(x)", {"x": x}, ["x"])
    found, = mopt.InferenceSession(mopt.compile(model, target=target)).run(None, {"x": x})
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(softmax(x, 1))
    # -inf and what is too small for a double's exponential: the definition by parts.
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=2e-6, atol=2e-6)
    assert (np.isnan(found) == np.isnan(expected)).all()

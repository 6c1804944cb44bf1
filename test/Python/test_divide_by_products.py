"""Scales that only run time knows: what they quantize is what division gives, at the ends of
the range of floats too. NumPy divides, rounds to even and saturates as ONNX says."""

import numpy as np
import pytest
from text_models import build

import mopt

TARGETS = ["native", "x86-64-v3", "x86-64-v2"]


def quantize(x, scale, zero_point, dtype):
    info = np.iinfo(dtype)
    with np.errstate(all="ignore"):
        y = np.rint(x / scale) + np.float32(zero_point)
    return np.clip(np.nan_to_num(y, nan=info.min, posinf=info.max, neginf=info.min),
                   info.min, info.max).astype(dtype)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_scales(target, dtype):
    rng = np.random.default_rng(1)
    mantissas = rng.uniform(1, 2, 20).astype(np.float32)
    scales = np.concatenate([np.ldexp(mantissas, rng.integers(-8, 3, 20)),
                             np.ldexp(mantissas[:8], [-149, -135, -126, -70, -64, 64, 90, 127]),
                             [1, np.inf, np.nan, -0.3]]).astype(np.float32)
    length = 4099
    x = np.zeros(length, np.float32)
    model = build("y = QuantizeLinear(x, scale, zero_point)",
                  {"x": x, "scale": scales[:1].reshape(()), "zero_point": dtype(3)},
                  ["x", "scale", "zero_point"])
    session = mopt.InferenceSession(mopt.compile(model, target=target))
    for scale in scales:
        # Steps, their halves, what lies beside both, and all else.
        with np.errstate(all="ignore"):
            x = (rng.integers(-600, 600, length) * np.float32(0.5) * scale).astype(np.float32)
            x[::3] = np.nextafter(x[::3], np.float32(np.inf))
            x[1::3] = rng.normal(0, 100, len(x[1::3])) * scale
        x[:6] = [np.nan, np.inf, -np.inf, 0, np.finfo(np.float32).max, 1e-45]
        found, = session.run(None, {"x": x, "scale": scale.reshape(()),
                                    "zero_point": np.array(3, dtype)})
        np.testing.assert_array_equal(found, quantize(x, scale, 3, dtype), err_msg=str(scale))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", [(), (5,), (1, 128, 48), (3, 7, 5, 11), (1, 1, 1, 1000)])
def test_ranges(target, shape):
    x = np.zeros(shape, np.float32)
    model = build("y, scale, zero_point = DynamicQuantizeLinear(x)", {"x": x}, ["x"])
    session = mopt.InferenceSession(mopt.compile(model, target=target), threads=2)
    for seed, factor in enumerate([1, 1e-3, 1e30, 1e-30]):
        rng = np.random.default_rng(seed)
        x = np.asarray(rng.normal(seed, 1, shape) * factor, np.float32)
        y, scale, zero_point = session.run(None, {"x": x})
        low, high = min(np.float32(0), x.min()), max(np.float32(0), x.max())
        assert scale == np.float32(high - low) / np.float32(255)
        assert zero_point == np.clip(np.rint(-low / scale), 0, 255)
        np.testing.assert_array_equal(y, quantize(x, scale, zero_point, np.uint8))

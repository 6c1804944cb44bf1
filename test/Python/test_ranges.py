"""Statistics of values and the ranges that are chosen out of them."""

import numpy as np
import pytest

from mopt.quantization.ranges import METHODS, choose_range, steps
from mopt.quantization.statistics import Statistics

RANDOM = np.random.default_rng(0)
SAMPLES = {
    "normal": RANDOM.normal(size=50000),
    "shifted": RANDOM.normal(2, 1, size=50000),
    "heavy": RANDOM.standard_t(3, size=50000),
    "relu": np.maximum(RANDOM.normal(size=50000), 0),
    "outlier": np.append(RANDOM.normal(size=50000), 60),
    "negative": -RANDOM.exponential(size=50000),
}


def statistics(samples, parts=3):
    found = Statistics("value")
    for part in np.array_split(np.asarray(samples, np.float32), parts):
        found.update(part)
    return found


def rounding_error(samples, low, high, dtype=np.uint8):
    scale, zero = steps(low, high, dtype, False)
    info = np.iinfo(dtype)
    q = np.clip(np.rint(samples / scale) + zero, info.min, info.max)
    return float(np.square((q - zero) * scale - samples).mean())


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("method", METHODS)
def test_ranges_hold_zero_and_no_more_than_was_seen(name, method):
    samples = SAMPLES[name].astype(np.float32)
    low, high = choose_range(statistics(samples), method)
    assert min(samples.min(), 0) <= low <= 0 <= high <= max(samples.max(), 0)
    assert low < high


@pytest.mark.parametrize("name", SAMPLES)
def test_least_error(name):
    samples = SAMPLES[name]
    found = statistics(samples)
    best = rounding_error(samples, *choose_range(found, "mse"))
    for method in METHODS:
        assert best <= 1.05 * rounding_error(samples, *choose_range(found, method))


def test_percentile_and_entropy_clip_an_outlier():
    found = statistics(SAMPLES["outlier"])
    for method in ("percentile", "entropy"):
        assert 2.5 < choose_range(found, method)[1] < 8
    exact = np.percentile(SAMPLES["normal"], [1, 99])
    assert choose_range(statistics(SAMPLES["normal"]), "percentile", percentile=99) == (
        pytest.approx(tuple(exact), rel=0.02))


def test_histograms_add_up():
    one, many = (statistics(SAMPLES["heavy"], parts) for parts in (1, 7))
    for left, right in zip(one.histogram(), many.histogram()):
        assert np.array_equal(left, right)
    assert one.histogram()[2].sum() == one.count == len(SAMPLES["heavy"])


def test_constant_values():
    for value in (0.0, 3.0, -2.0, 1e-42):
        low, high = choose_range(statistics(np.full(9, value)), "mse")
        scale, zero = steps(low, high, np.uint8, False)
        assert np.isfinite(scale) and scale > 0 and 0 <= zero <= 255


def test_means_by_channel():
    found = Statistics("value", 1)
    data = RANDOM.normal(size=(4, 3, 5, 6)).astype(np.float32)
    found.update(data[:1])
    found.update(data[1:])
    assert found.mean == pytest.approx(data.mean((0, 2, 3)), abs=1e-6)
    assert found.power == pytest.approx(np.square(data).mean((0, 2, 3)), rel=1e-6)


def test_errors():
    with pytest.raises(ValueError, match="no elements"):
        choose_range(Statistics("value"))
    with pytest.raises(ValueError, match="'value' is not finite"):
        Statistics("value").update(np.array([1, np.inf], np.float32))
    with pytest.raises(ValueError, match="percentile above 50"):
        choose_range(statistics([1.0, 2.0]), "percentile", percentile=10)
    with pytest.raises(ValueError, match="no finite scale"):
        steps(-3e38, 3e38 * 1e5, np.int8, False)

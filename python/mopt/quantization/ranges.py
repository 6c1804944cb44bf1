"""The range of a value that its steps are to cover, out of its statistics."""

import numpy as np

METHODS = ("minmax", "percentile", "entropy", "mse")
PERCENTILE = 99.99
_LINEAR_BINS = 2048


def choose_range(statistics, method="minmax", levels=256, percentile=PERCENTILE):
    """(low, high), which hold 0, in float64.

    minmax covers all that was seen; percentile leaves out as many of the smallest and
    largest as the number says; entropy loses least information by Kullback and Leibler's
    measure between the histogram and what `levels` steps make of it; mse has the least
    expected square of rounding and clipping errors.
    """
    if method not in METHODS:
        raise ValueError(f"expected method {', '.join(METHODS)}, found '{method}'")
    statistics.require_data()
    if not 50 < percentile <= 100:
        raise ValueError(f"expected a percentile above 50 up to 100, found {percentile}")
    bounds = min(statistics.low, 0.0), max(statistics.high, 0.0)
    if bounds[0] == bounds[1] or method == "minmax":
        return bounds
    low, high, counts = statistics.histogram()
    if method == "percentile":
        found = _percentile(low, high, counts, percentile)
    elif method == "entropy":
        threshold = _entropy(low, high, counts, levels, bounds)
        found = -threshold, threshold
    else:
        found = _least_error(low, high, counts, levels, bounds)
    result = max(bounds[0], min(found[0], 0.0)), min(bounds[1], max(found[1], 0.0))
    return bounds if result[0] == result[1] else result


def rounding_noise(statistics, low, high, levels=256):
    """The expected sum of squares of what rounding to `levels` steps from `low` to `high`
    changes, over the sum of squares of all that was seen; 0 of nothing but zeros."""
    bins = statistics.require_data().histogram()
    center = (bins[0] + bins[1]) / 2
    power = float((bins[2] * center * center).sum())
    return _noise(center, bins[2], low, high, levels) / power if power else 0.0


def _noise(center, counts, lower, upper, levels):
    step = (upper - lower) / (levels - 1)
    # What is nearer to zero than half a step becomes zero.
    inside = np.where(np.abs(center) < step / 2, center * center, step * step / 12)
    outside = np.maximum(center - upper, 0) + np.maximum(lower - center, 0)
    return float((counts * np.where(outside > 0, outside * outside, inside)).sum())


def steps(low, high, dtype, symmetric):
    """(scale, zero point) of the steps of `dtype` over a range that holds 0."""
    info = np.iinfo(dtype)
    if symmetric:
        # As many steps below zero as above it.
        middle = 0 if info.min < 0 else (info.max + 1) // 2
        scale = max(-low, high) / (info.max - middle)
        zero = middle
    else:
        scale = (high - low) / (info.max - info.min)
        zero = info.min if scale == 0 else int(np.clip(
            np.rint(info.min - low / scale), info.min, info.max))
    if not scale <= float(np.finfo(np.float32).max):
        raise ValueError(f"a range from {low} to {high} has no finite scale")
    scale = np.float32(scale)
    # Of zeros only, or of numbers too small to divide by, any scale will do.
    return (scale if scale > np.finfo(np.float32).tiny else np.float32(1)), zero


def _percentile(low, high, counts, percentile):
    cumulative = np.cumsum(counts) / counts.sum()
    share = (100 - percentile) / 100

    def at(fraction):
        i = min(int(np.searchsorted(cumulative, fraction)), len(counts) - 1)
        before = cumulative[i - 1] if i else 0.0
        inside = (fraction - before) / max(cumulative[i] - before, 1e-300)
        return low[i] + (high[i] - low[i]) * min(max(inside, 0.0), 1.0)

    return at(share), at(1 - share)


def _least_error(low, high, counts, levels, bounds):
    """Searches both ends by turns; the error of a range is an integral over the bins."""
    center = (low + high) / 2

    def error(lower, upper):
        return _noise(center, counts, lower, upper, levels)

    factors = np.linspace(0.02, 1, 99)
    best = min(factors, key=lambda f: error(bounds[0] * f, bounds[1] * f))
    lower, upper = bounds[0] * best, bounds[1] * best
    for _ in range(2):
        lower = bounds[0] * min(factors, key=lambda f: error(bounds[0] * f, upper))
        upper = bounds[1] * min(factors, key=lambda f: error(lower, bounds[1] * f))
    return lower, upper


def _entropy(low, high, counts, levels, bounds):
    """The magnitude at which to clip."""
    largest = max(-bounds[0], bounds[1])
    width = largest / _LINEAR_BINS
    # Each bin's count spread evenly over the linear bins that it covers.
    ends = np.sort(np.abs(np.stack([low, high])), axis=0)
    edges = np.arange(_LINEAR_BINS + 1) * width
    covered = np.zeros(_LINEAR_BINS + 1)
    for (start, end), count in zip(ends.T, counts):
        if end - start < 1e-12 * largest:
            covered += count * (edges > start)
        else:
            covered += count * np.clip((edges - start) / (end - start), 0, 1)
    histogram = np.diff(covered)
    # Zeros, half of all behind a Relu, are exact in any range.
    histogram[0] = min(histogram[:2])
    # A range on one side of zero has all levels on that side.
    steps_of = levels if 0 in bounds else levels // 2
    best, threshold = np.inf, largest
    for used in range(steps_of, _LINEAR_BINS + 1, 8):
        divergence = _divergence(histogram, used, steps_of)
        if divergence < best:
            best, threshold = divergence, used * width
    return threshold


def _divergence(histogram, used, levels):
    p = histogram[:used].copy()
    p[-1] += histogram[used:].sum()
    which = np.arange(used) * levels // used
    present = histogram[:used] > 0
    totals = np.bincount(which, histogram[:used], minlength=levels)
    shares = np.bincount(which, present, minlength=levels)
    q = np.where(present, totals[which] / np.maximum(shares[which], 1), 0)
    if q.sum() == 0:
        return np.inf
    p, q = p / p.sum(), q / q.sum()
    where = p > 0
    # Clipped mass may fall where nothing is left to represent it.
    return float((p[where] * np.log(p[where] / np.maximum(q[where], 1e-12))).sum())

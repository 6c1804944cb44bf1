"""mopt.calibrate: runs an instrumented library over data and writes down the ranges that
`mopt-compile --quantize=static-int8 --calibration=FILE` quantizes with."""

import json
import os

import numpy as np

from ..session import InferenceSession
from .ranges import PERCENTILE, choose_range, rounding_noise
from .statistics import Statistics

EXTREMES, HISTOGRAM, SUMS = "mopt.extremes:", "mopt.histogram:", "mopt.sums:"


def calibrate(library, data, output=None, method="minmax", *, percentile=PERCENTILE,
              equalize=False, threads=0):
    """Runs `library`, made by `mopt-compile --instrument=ranges` (or a model, which is
    compiled so), with each dictionary of inputs in `data`, and returns the calibration as
    a dictionary; writes it as JSON to `output` if given. `method` chooses the ranges as
    for `mopt.quantize`. `equalize` compiles a model with `--equalize`, which the library
    that is quantized with the result needs then too. Raises ValueError for a library
    without statistics, for no data, for values that are not finite, and for `equalize` and
    a library made without it."""
    is_library = not isinstance(library, (str, os.PathLike)) or os.fspath(
        library).endswith(".so")
    is_model = isinstance(library, (bytes, bytearray)) or hasattr(library, "graph")
    session = InferenceSession(library, threads=threads,
                               **({} if is_library and not is_model else {
                                   "arguments": ["--instrument=ranges"]
                                   + ["--equalize"] * equalize}))
    try:
        instrumented = session.build_info.get("instrumented")
        if equalize and not (instrumented or {}).get("equalized"):
            raise ValueError("the library was made without --equalize")
        found, sums, count = _run(session, [data] if isinstance(data, dict) else data)
    finally:
        session.close()
    if not count:
        raise ValueError("the data is empty: expected inputs of at least one run")
    chosen = {key: _describe(statistics, method, percentile)
              for key, statistics in found.items()}
    layers = {layer: dict(chosen[key]) for layer, key in instrumented["inputs"].items()}
    # Libraries of before there were sums have none.
    for layer, key in instrumented.get("sums", {}).items():
        means = _means(sums[key], found[instrumented["inputs"][layer]].count)
        if np.isfinite(means).all():
            layers[layer]["means"] = means.tolist()
    result = {"format": "mopt-calibration", "version": 1, "model": instrumented["model"],
              "equalized": instrumented.get("equalized", False), "method": method,
              "runs": count, "layers": layers}
    if output is not None:
        with open(output, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1, allow_nan=False)
    return result


def _run(session, data):
    """Statistics and sums of channels by key, and how many runs there were."""
    names = [value.name for value in session.get_outputs()]
    keys = [name.removeprefix(EXTREMES) for name in names if name.startswith(EXTREMES)]
    if not keys:
        raise ValueError("the library has no statistics: compile it with --instrument=ranges")
    found = {key: Statistics(key) for key in keys}
    sums = {name.removeprefix(SUMS): 0.0 for name in names if name.startswith(SUMS)}
    wanted = [kind + key for key in keys for kind in (EXTREMES, HISTOGRAM)]
    summed = [SUMS + key for key in sums]
    count = 0
    for feed in data:
        if not isinstance(feed, dict):
            raise TypeError(f"expected dictionaries of inputs, found {type(feed).__name__}")
        outputs = session.run(wanted + summed, feed)
        ranges, channels = outputs[:len(wanted)], outputs[len(wanted):]
        for key, extremes, histogram in zip(keys, ranges[::2], ranges[1::2]):
            found[key].add(*extremes, histogram)
        for key, values in zip(sums, channels):
            sums[key] = sums[key] + values.astype(np.float64)
        count += 1
    return found, sums, count


def _means(sums, count):
    """Of each channel, out of their sums over `count` elements of all channels."""
    return sums * (len(sums) / max(count, 1))


def _describe(statistics, method, percentile):
    low, high = choose_range(statistics, method, percentile=percentile)
    return {"low": float(low), "high": float(high),
            "relative_noise": rounding_noise(statistics, low, high),
            "lowest": statistics.low, "highest": statistics.high, "count": statistics.count}

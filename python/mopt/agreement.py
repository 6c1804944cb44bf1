"""The rule by which an answer agrees with a reference.

The reference is ONNX Runtime with its optimizations off. A float result may differ
from it by a share of the output's scale, or by twice what ONNX Runtime's own
optimized run differs, where that is more: so much rounding the model itself has.
Integer, boolean and string results are equal.
"""

from dataclasses import dataclass

import ml_dtypes
import numpy as np

# Allowed error over the output's scale, by tolerance class, and the share of the
# optimized run's error. In a quantized network a value between two steps may fall to
# either side, and what follows from that is as large in one engine as in the other.
TOLERANCES = {"f32": 1e-4, "quantized": 1e-4}
OPTIMIZED_FACTORS = {"f32": 2.0, "quantized": 1.5}


@dataclass
class Reference:
    """Output names, the unoptimized run's values and the optimized run's."""

    names: list
    exact: list
    optimized: list


@dataclass
class Difference:
    """How one output compares: `message` is empty when it agrees."""

    name: str
    error: float
    relative: float
    allowed: float
    message: str = ""

    @property
    def agrees(self):
        return not self.message


def is_float(dtype):
    """Whether rounding is to be expected: floats and complex numbers."""
    return dtype.kind in "fc" or dtype.name.startswith(("bfloat", "float"))


def _real(array):
    """Floats of 64 bits, a complex number as two."""
    array = np.asarray(array)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], -1)
    return array.astype(np.float64)


def max_error(got, expected):
    """Largest absolute difference; inf where NaN or infinities do not coincide."""
    # float64 holds every smaller float, bfloat16 and float8 included.
    got, expected = _real(got), _real(expected)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    if same.all():
        return 0.0
    with np.errstate(invalid="ignore"):
        error = np.abs(got - expected)[~same]
    return float(error.max()) if np.isfinite(error).all() else float("inf")


def scale_of(array):
    """Largest finite magnitude."""
    values = np.abs(_real(array))
    values = values[np.isfinite(values)]
    return float(values.max()) if values.size else 0.0


def compare_output(name, got, exact, optimized, tolerance="f32"):
    """One output against the two reference runs."""
    got, exact, optimized = np.asarray(got), np.asarray(exact), np.asarray(optimized)
    for what, found, expected in [("element type", got.dtype, exact.dtype),
                                  ("shape", got.shape, exact.shape)]:
        if found != expected:
            return Difference(name, np.inf, np.inf, 0.0,
                              f"output '{name}': expected {what} {expected}, found {found}")
    if not is_float(exact.dtype):
        wrong = int(np.count_nonzero(got != exact))
        message = f"output '{name}': {wrong} of {exact.size} elements differ" if wrong else ""
        return Difference(name, float(wrong), float(wrong), 0.0, message)
    scale = scale_of(exact)
    rounding = max_error(optimized, exact) if optimized.shape == exact.shape else 0.0
    # A type coarser than the tolerance may differ by a few of its own steps.
    step = 0.0 if exact.dtype.kind == "c" else float(ml_dtypes.finfo(exact.dtype).eps)
    allowed = max(TOLERANCES[tolerance], 4 * step) * scale
    if np.isfinite(rounding):
        allowed = max(allowed, OPTIMIZED_FACTORS[tolerance] * rounding)
    error = max_error(got, exact)
    relative = error / scale if scale else (0.0 if error == 0 else np.inf)
    message = ""
    if not error <= allowed:
        message = f"output '{name}': error {error:.3g}, allowed {allowed:.3g} (scale {scale:.3g})"
    return Difference(name, error, relative, allowed, message)


def compare_argmax(name, got, exact, axis, allowed):
    """The index of the largest element agrees wherever the reference's two largest
    are further apart than the allowed error could close."""
    top = np.sort(np.asarray(exact).astype(np.float64), axis=axis)
    gap = np.take(top, -1, axis=axis) - np.take(top, -2, axis=axis)
    differs = np.argmax(got, axis=axis) != np.argmax(exact, axis=axis)
    wrong = int(np.count_nonzero(differs & (gap > 2 * allowed)))
    return f"output '{name}': {wrong} of {gap.size} argmax differ" if wrong else ""


def compare(got, reference, tolerance="f32", argmax=None, argmax_axis=-1):
    """A `Difference` for each output; `argmax` names the output whose winner counts."""
    if len(got) != len(reference.exact):
        raise ValueError(f"expected {len(reference.exact)} outputs, found {len(got)}")
    result = []
    for name, value, exact, optimized in zip(reference.names, got, reference.exact,
                                             reference.optimized):
        difference = compare_output(name, value, exact, optimized, tolerance)
        if name == argmax and difference.agrees:
            difference.message = compare_argmax(name, value, exact, argmax_axis,
                                                difference.allowed)
        result.append(difference)
    return result

"""What the benchmark makes of its measurements, and which models it knows."""

import pathlib
import sys

import mopt
from mopt import _bench, agreement

sys.path.insert(0, str(pathlib.Path(mopt.__file__).resolve().parents[2] / "bench"))
import catalogue  # noqa: E402


def test_interval_of_equal_rounds_is_a_point():
    assert _bench.ratio_interval([2.0] * 5, [3.0] * 5) == (1.5, 1.5)


def test_interval_holds_the_ratios_of_most_rounds():
    low, high = _bench.ratio_interval([1.0] * 9, [0.9, 1.1] * 4 + [1.0])
    assert low <= 1.0 <= high and low >= 0.9 and high <= 1.1


def test_quantized_models_are_asked_for_by_name():
    floats = {model.name for model in catalogue.select([])}
    assert floats and not any("." in name for name in floats)
    quantized = catalogue.select(["quantized"])
    assert quantized and all(model.original in floats for model in quantized)
    model, = catalogue.select(["resnet50.qdq_u8s8"])
    original, = catalogue.select(["resnet50"])
    assert model.tolerance in agreement.TOLERANCES
    for name, value in model.inputs().items():
        assert (value == original.inputs()[name]).all()

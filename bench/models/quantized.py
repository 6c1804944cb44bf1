"""Models of models.json as ONNX Runtime's quantizer rewrites them, by fixed recipes."""

import os

import onnx

from . import nbits

# Activations are calibrated on as many seeded inputs.
CALIBRATION_RUNS = 3


def _static(source, target, feeds, activation, operators):
    from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType,
                                          quantize_static)

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.feeds = iter(feeds)

        def get_next(self):
            return next(self.feeds, None)

    # A scale for each channel came with version 13 of DequantizeLinear.
    opset = max(entry.version for entry in source.opset_import if entry.domain in ("", "ai.onnx"))
    quantize_static(
        source, target, Reader(),
        quant_format=QuantFormat.QOperator if operators else QuantFormat.QDQ,
        activation_type=QuantType.QUInt8 if activation == "u8" else QuantType.QInt8,
        weight_type=QuantType.QInt8, per_channel=opset >= 13 and activation == "s8")


def _dynamic(source, target):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8)


def make(recipe, source, target, model):
    """Writes the model at path `source` quantized to `target`: "qdq_u8s8" (unsigned
    activations), "qdq_s8s8" (signed ones, a scale for each channel of weights where the
    opset has that), "qop_u8s8" (quantized operators), "dyn_int8" (activations quantized
    as they come), or "int4_b32_a0": weights of 4 bits in blocks of 32, accuracy level 0."""
    part = target + ".part"
    if recipe == "dyn_int8":
        _dynamic(onnx.load(source), part)
    elif recipe.startswith("int4_"):
        _, block, accuracy = recipe.split("_")
        nbits.rewrite(source, part, int(block[1:]), int(accuracy[1:]))
    else:
        form, types = recipe.split("_")
        feeds = [model.inputs(seed=1 + i) for i in range(CALIBRATION_RUNS)]
        # Beside a file it would keep one of its own, which another recipe's maker may be at too.
        _static(onnx.load(source), part, feeds, types[:2], form == "qop")
    os.replace(part, target)

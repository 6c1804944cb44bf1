"""Quantizing and pruning ONNX models."""

from .calibrate import calibrate
from .prune import prune
from .quantize import quantize
from .report import AccuracyError, LayerReport, Result

__all__ = ["AccuracyError", "LayerReport", "Result", "calibrate", "prune", "quantize"]

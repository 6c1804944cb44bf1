"""Quantizing and pruning ONNX models."""

from .prune import prune
from .quantize import quantize
from .report import AccuracyError, LayerReport, Result

__all__ = ["AccuracyError", "LayerReport", "Result", "prune", "quantize"]

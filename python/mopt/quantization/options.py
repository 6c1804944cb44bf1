"""What quantization is asked for."""

from dataclasses import dataclass

import numpy as np

from .ranges import METHODS, PERCENTILE

MODES = ("static-int8", "dynamic-int8", "weight-int8", "weight-int4")


@dataclass
class Options:
    """See `mopt.quantize`."""

    mode: str = "static-int8"
    method: str = "minmax"
    percentile: float = PERCENTILE
    per_channel: bool = True
    symmetric: bool = True
    symmetric_activations: bool = False
    activation_type: object = np.uint8
    group: int = 0
    bias_correction: bool = True
    equalize: bool = False
    compensate: bool = True

    def __post_init__(self):
        if self.mode not in MODES:
            raise ValueError(f"expected mode {', '.join(MODES)}, found '{self.mode}'")
        if self.method not in METHODS:
            raise ValueError(f"expected method {', '.join(METHODS)}, found '{self.method}'")
        kind = np.dtype(self.activation_type)
        if kind not in (np.uint8, np.int8):
            raise ValueError(f"expected activation_type uint8 or int8, found {kind}")
        if self.group < 0:
            raise ValueError(f"expected a group from 0 on, found {self.group}")
        if self.group and not self.is_weight_only:
            raise ValueError(f"groups are for weight-int8 and weight-int4, not '{self.mode}'")
        if not self.symmetric and not self.is_weight_only:
            raise ValueError("weights with zero points are for weight-int8 and weight-int4, "
                             f"not '{self.mode}'")

    @property
    def is_static(self):
        return self.mode == "static-int8"

    @property
    def is_dynamic(self):
        return self.mode == "dynamic-int8"

    @property
    def is_weight_only(self):
        return self.mode.startswith("weight")

    @property
    def bits(self):
        return 4 if self.mode == "weight-int4" else 8

    @property
    def uses_moments(self):
        """Whether errors of a weight are made up for by others: worth it for few bits."""
        return self.compensate and self.bits == 4 and self.per_channel

    @property
    def opset(self):
        """The version of ONNX that has what is written: blocks and 4 bits since 21."""
        return 21 if self.bits == 4 or self.group else 13

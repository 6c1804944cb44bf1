"""What was quantized, how, and what it cost."""

from dataclasses import asdict, dataclass, field

import onnx


class AccuracyError(Exception):
    """No set of layers keeps the drop within `max_drop`; `result` is the last try."""

    def __init__(self, message, result=None):
        super().__init__(message)
        self.result = result


@dataclass
class LayerReport:
    """`sqnr_db` is the layer's own signal to noise for float inputs; `end_to_end_sqnr_db`
    that of the model's outputs when only this layer is quantized. `rank` 1 is the most
    sensitive. None: not measured, or not quantized."""

    name: str
    op: str
    scheme: str
    reason: str = ""
    input: str = ""
    input_range: tuple = None
    input_scale: float = None
    input_zero_point: int = None
    weight_scales: tuple = None
    sqnr_db: float = None
    end_to_end_sqnr_db: float = None
    rank: int = None


@dataclass
class Result:
    """A quantized or pruned model and its report. `sqnr_db` is that of all outputs over
    the data, `drop` what `metric` lost: by default the relative error of the outputs."""

    model: onnx.ModelProto
    mode: str
    layers: list = field(default_factory=list)
    sqnr_db: float = None
    drop: float = None
    refined: object = None  # `Refined` where pruning was followed by that.

    def save(self, path):
        """Writes the model; beyond 2 GB, its weights in a file beside it."""
        large = self.model.ByteSize() > (1 << 31) - (1 << 20)
        onnx.save(self.model, path, **({"save_as_external_data": True,
                                        "location": f"{path}.data".rsplit("/", 1)[-1]}
                                       if large else {}))

    def as_dict(self):
        refined = self.refined
        return {"mode": self.mode, "sqnr_db": self.sqnr_db, "drop": self.drop,
                "refined": None if refined is None else asdict(refined),
                "layers": [asdict(layer) for layer in self.layers]}

    def __str__(self):
        rows = [("layer", "op", "scheme", "SQNR dB", "end to end", "rank", "")]
        rows += [(layer.name, layer.op, layer.scheme, _db(layer.sqnr_db),
                  _db(layer.end_to_end_sqnr_db), str(layer.rank or ""), layer.reason)
                 for layer in self.layers]
        widths = [max(len(row[i]) for row in rows) for i in range(7)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                 for row in rows]
        if self.refined is not None:
            lines.append(f"refined: held-out distance {self.refined.before:.3g} to "
                         f"{self.refined.after:.3g}")
        if self.sqnr_db is not None:
            lines.append(f"outputs: SQNR {self.sqnr_db:.1f} dB, drop {self.drop:.3g}")
        return "\n".join(lines)


def _db(value):
    return "" if value is None else f"{value:.1f}"

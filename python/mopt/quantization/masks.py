"""Which weights stay: patterns of sparsity and the choice by importance."""

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pattern:
    """Of `group` weights in a row along the depth, `kept` stay; or, with group 0, of all
    weights the share `kept`."""

    kept: float
    group: int = 0

    @staticmethod
    def parse(text):
        """From "2:4" or "unstructured:0.9", which is the share of zeros."""
        match = re.fullmatch(r"(\d+):(\d+)", text)
        if match:
            kept, group = int(match[1]), int(match[2])
            if 0 < kept < group:
                return Pattern(kept, group)
        match = re.fullmatch(r"unstructured:(\d*\.?\d+)", text)
        if match and 0 < float(match[1]) < 1:
            return Pattern(1 - float(match[1]))
        raise ValueError(f"expected a pattern N:M with N below M, or unstructured:S with S "
                         f"between 0 and 1, found '{text}'")

    def __str__(self):
        if self.group:
            return f"{int(self.kept)}:{self.group}"
        return f"unstructured:{1 - self.kept:g}"

    def choose(self, importance, by_row=False):
        """A mask of what stays out of `importance` [outputs, depth]. Without groups the
        weights of each row are compared with each other, or all of them. A last group
        that is shorter keeps as many as a whole one."""
        if self.group:
            return self._in_groups(importance)
        lines = importance if by_row else importance.reshape(1, -1)
        drop = int(round((1 - self.kept) * lines.shape[1]))
        order = np.argsort(lines, axis=1, kind="stable")
        mask = np.ones(lines.shape, bool)
        np.put_along_axis(mask, order[:, :drop], False, axis=1)
        return mask.reshape(importance.shape)

    def _in_groups(self, importance):
        outputs, depth = importance.shape
        groups = -(-depth // self.group)
        padded = np.full((outputs, groups * self.group), -np.inf)
        padded[:, :depth] = importance
        blocks = padded.reshape(outputs, groups, self.group)
        order = np.argsort(-blocks, axis=2, kind="stable")
        mask = np.zeros(blocks.shape, bool)
        np.put_along_axis(mask, order[:, :, :int(self.kept)], True, axis=2)
        return mask.reshape(outputs, -1)[:, :depth]

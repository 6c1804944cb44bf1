"""Weights rounded to integers: a scale for the tensor, for each output channel, or for
groups of positions along the depth."""

from dataclasses import dataclass

import numpy as np

# Shares of the largest magnitude that are tried as a range.
_SHRINKS = np.linspace(0.5, 1, 26)


@dataclass
class Rounded:
    """`values` are integers in int32 [outputs, depth] around `zeros`; scales and zeros
    are [outputs or 1, groups]. `group` is the depth of one scale."""

    values: np.ndarray
    scales: np.ndarray
    zeros: np.ndarray
    group: int
    bits: int

    def real(self):
        """What the integers stand for, in float32."""
        scales, zeros = self._spread(self.scales), self._spread(self.zeros)
        return ((self.values - zeros).astype(np.float32) * scales).astype(np.float32)

    def _spread(self, parts):
        wide = np.repeat(parts, self.group, axis=1)[:, :self.values.shape[1]]
        return np.broadcast_to(wide, self.values.shape)


def round_weights(rows, bits=8, group=0, per_channel=True, symmetric=True, search=False,
                  floor=None):
    """Rounds `rows` [outputs, depth] to integers of `bits` bits. `group` 0 is the whole
    depth; the last group may be shorter. `search` looks for the range of least square
    error instead of covering all weights. `floor` is the least scale of each output, for
    biases that must fit 32 bits."""
    outputs, depth = rows.shape
    group = min(group, depth) if group else depth
    groups = -(-depth // group)
    padded = np.zeros((outputs, groups * group), np.float32)
    padded[:, :depth] = rows
    blocks = padded.reshape(outputs, groups, group)
    if not per_channel:
        blocks = blocks.reshape(1, 1, -1)
    largest = 2 ** (bits - 1) - 1
    low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
    if symmetric:
        high = np.maximum(-low, high)
        low = -high
        span, middle, least = 2 * largest, 0, -largest
    else:
        span, middle, least = 2**bits - 1, None, -(2 ** (bits - 1))

    def quantize(shrink):
        scales = ((high - low) * shrink / span).astype(np.float32)
        if floor is not None:
            scales = np.maximum(scales, floor.reshape(-1, 1).astype(np.float32))
        scales = np.where(scales > np.finfo(np.float32).tiny, scales, np.float32(1))
        zeros = np.zeros(scales.shape, np.int32) if middle == 0 else np.clip(
            np.rint(least - low * shrink / scales), least, largest).astype(np.int32)
        values = np.clip(np.rint(blocks / scales[..., None]) + zeros[..., None],
                         least, largest).astype(np.int32)
        error = np.square((values - zeros[..., None]) * scales[..., None] - blocks)
        return values, scales, zeros, error.sum(-1)

    values, scales, zeros, error = quantize(np.float32(1))
    for shrink in _SHRINKS[:-1] if search else ():
        other = quantize(np.float32(shrink))
        better = other[3] < error
        values = np.where(better[..., None], other[0], values)
        scales, zeros = np.where(better, other[1], scales), np.where(better, other[2], zeros)
        error = np.where(better, other[3], error)
    return Rounded(values.reshape(outputs, -1)[:, :depth], scales, zeros,
                   group if per_channel else depth, bits)

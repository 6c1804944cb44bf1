"""What is known about a value after a data set ran: its extremes, a histogram whose bins
are the same for every value, so that histograms add up, and moments by channel."""

import numpy as np

# 64 bins for each power of two from 2^-40 to 2^24, smaller magnitudes in the first and
# larger in the last: a bin is the upper bits of a float.
BINS_PER_OCTAVE = 64
_SHIFT = 17
LEAST_EXPONENT, OCTAVES = -40, 64
BINS = OCTAVES * BINS_PER_OCTAVE
_FIRST = (127 + LEAST_EXPONENT) * BINS_PER_OCTAVE


def bin_edges():
    """BINS + 1 magnitudes; bin i holds those from edge i up to edge i + 1."""
    bits = (np.arange(BINS + 1, dtype=np.uint32) + _FIRST) << _SHIFT
    edges = bits.astype(np.uint32).view(np.float32).astype(np.float64)
    edges[0] = 0
    return edges


class Statistics:
    """Of one value over all runs. `mean` and `power` (of squares) are by channel."""

    def __init__(self, name, channel_axis=None):
        self.name = name
        self.channel_axis = channel_axis
        self.low, self.high = np.inf, -np.inf
        self.positive = np.zeros(BINS, np.int64)
        self.negative = np.zeros(BINS, np.int64)
        self.count = 0
        self._sum = self._squares = 0.0
        self._lines = 0

    def update(self, array):
        """Takes in one run's value. Raises ValueError where it is not finite."""
        array = np.asarray(array, np.float32)
        if array.size == 0:
            return
        if not np.isfinite(array).all():
            raise ValueError(f"value '{self.name}' is not finite for this data: "
                             f"{np.count_nonzero(~np.isfinite(array))} of {array.size} elements")
        self.low = min(self.low, float(array.min()))
        self.high = max(self.high, float(array.max()))
        self.count += array.size
        bits = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
        index = np.clip(((bits & 0x7FFFFFFF) >> _SHIFT).astype(np.int64) - _FIRST, 0, BINS - 1)
        is_negative = bits >> 31 != 0
        self.negative += np.bincount(index[is_negative], minlength=BINS)
        self.positive += np.bincount(index[~is_negative], minlength=BINS)
        if self.channel_axis is not None and array.ndim:
            lines = np.moveaxis(array, self.channel_axis, -1)
            lines = lines.reshape(-1, lines.shape[-1])
            self._sum = self._sum + lines.sum(0, dtype=np.float64)
            self._squares = self._squares + np.square(lines, dtype=np.float64).sum(0)
            self._lines += len(lines)

    def add(self, low, high, histogram):
        """Takes in what an instrumented library says of one run: its extremes, and the
        counts of the numbers from 0 on, then of the negative ones."""
        counts = np.asarray(histogram, np.int64)
        if counts.sum() == 0:
            return
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"value '{self.name}' is not finite for this data: "
                             f"it is from {low} to {high}")
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))
        self.count += int(counts.sum())
        self.positive += counts[:BINS]
        self.negative += counts[BINS:]

    @property
    def mean(self):
        return self._sum / max(self._lines, 1)

    @property
    def power(self):
        return self._squares / max(self._lines, 1)

    def require_data(self):
        if self.count == 0:
            raise ValueError(f"value '{self.name}' had no elements in any run of the data")
        return self

    def histogram(self):
        """(lowest, highest, count) of each bin that is not empty, by rising value."""
        edges = bin_edges()
        low = np.concatenate([-edges[:0:-1], edges[:-1]])
        high = np.concatenate([-edges[-2::-1], edges[1:]])
        counts = np.concatenate([self.negative[::-1], self.positive])
        used = counts > 0
        return (np.clip(low[used], self.low, self.high),
                np.clip(high[used], self.low, self.high), counts[used])

"""Leaving out the most sensitive layers until what is lost is little enough."""

import numpy as np

from .sensitivity import is_float, powers, sqnr_db


class Metric:
    """The drop of a model's outputs against the float model's. A `score` of the caller
    takes a list of output dictionaries, one per run, and is higher where they are better;
    without one the drop is the relative error, the root of noise over signal; of a model
    that returns no floats, the share of elements that differ."""

    def __init__(self, names, exact, score=None):
        self._names, self._exact, self._score = names, exact, score
        self._best = self._call(exact) if score else None

    def _call(self, outputs):
        value = float(self._score([dict(zip(self._names, run)) for run in outputs]))
        if not np.isfinite(value):
            raise ValueError(f"the metric gave {value}")
        return value

    def drop(self, outputs):
        if self._score:
            return self._best - self._call(outputs)
        if not any(is_float(y) for run in self._exact for y in run):
            return self._share_of_others(outputs)
        signal, noise = self._powers(outputs)
        return float(np.sqrt(noise / signal)) if signal else float(noise > 0)

    def _share_of_others(self, outputs):
        pairs = [(a, b) for wanted, found in zip(self._exact, outputs)
                 for a, b in zip(wanted, found)]
        different = sum(np.count_nonzero(a != b) if a.shape == b.shape else a.size
                        for a, b in pairs)
        return different / max(sum(a.size for a, _ in pairs), 1)

    def sqnr_db(self, outputs):
        return sqnr_db(*self._powers(outputs))

    def _powers(self, outputs):
        return np.sum([powers(a, b) for a, b in zip(self._exact, outputs)], axis=0)


def ranking(chosen, own, end_to_end):
    """Indices, the most sensitive first: by the outputs' SQNR where it is known."""
    keys = end_to_end if end_to_end is not None else own
    return sorted(range(len(chosen)), key=lambda i: (keys[i], own[i], i))


def fewest_exclusions(order, nodes, drop_without, max_drop):
    """The least number of nodes, in `order` of sensitivity, without which the drop is at
    most `max_drop`; len(nodes) if none is. `drop_without(excluded)` takes a set of
    indices. More exclusions are taken to drop less."""
    steps = []
    for index in order:
        if not steps or nodes[index] not in {nodes[i] for i in steps}:
            steps.append(index)

    def excluded(count):
        gone = {nodes[i] for i in steps[:count]}
        return {i for i in order if nodes[i] in gone}

    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if drop_without(excluded(middle)) <= max_drop:
            high = middle
        else:
            low = middle + 1
    return low, len(steps), excluded

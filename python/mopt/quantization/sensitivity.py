"""How much each layer's quantization costs, by itself and in the outputs: one library
whose layers can be switched between float and quantized one by one."""

import numpy as np

from ..session import InferenceSession
from .observe import common_shapes
from .rewrite import switchable


def sqnr_db(signal, noise):
    """Decibels of a ratio of powers; inf without noise."""
    if noise <= 0:
        return float("inf")
    return float(10 * np.log10(max(signal, 1e-300) / noise))


def is_float(array):
    return array.dtype.kind == "f"


def powers(exact, found):
    """Sums of squares of the float outputs and of what they differ by."""
    signal = noise = 0.0
    for wanted, got in zip(exact, found):
        if is_float(wanted):
            wanted, got = wanted.astype(np.float64), np.asarray(got, np.float64)
            signal += float(np.square(wanted).sum())
            noise += float(np.square(wanted - got).sum()) if wanted.shape == got.shape else np.inf
    return signal, noise


class Switches:
    """The switchable model of the `chosen` layers, over `feeds`."""

    def __init__(self, graph, chosen, values, feeds, threads):
        model, self._switch = switchable(graph, chosen, values)
        self._outputs = len(graph.proto.output)
        self._count = len(chosen)
        self._feeds = feeds
        self._session = InferenceSession(model, threads=threads,
                                         shapes=common_shapes(feeds))
        # Both weights of a recurrent node hang on the first one's switch.
        nodes = {}
        for index, entry in enumerate(chosen):
            nodes.setdefault(entry.layer.node.name, []).append(index)
        self._nodes = list(nodes.values())
        self.exact, self.layers = self._measure_layers()

    def run(self, on):
        """The model's outputs for each run, with the layers of `on` quantized."""
        switch = np.zeros(self._count, bool)
        switch[list(on)] = True
        return [self._session.run(None, dict(feed, **{self._switch: switch}))
                for feed in self._feeds]

    def outputs(self, on):
        return [found[:self._outputs] for found in self.run(on)]

    def _measure_layers(self):
        """Outputs of the float model, and each layer's own SQNR."""
        runs = self.run(())
        totals = np.sum([[float(x) for x in found[self._outputs:]] for found in runs], axis=0)
        layers = [None] * self._count
        for indices, (signal, noise) in zip(self._nodes, totals.reshape(-1, 2)):
            for index in indices:
                layers[index] = sqnr_db(signal, noise)
        return [found[:self._outputs] for found in runs], layers

    def end_to_end(self):
        """The outputs' SQNR for each layer quantized alone."""
        result = [None] * self._count
        for indices in self._nodes:
            signal, noise = np.sum([powers(exact, found) for exact, found in
                                    zip(self.exact, self.outputs(indices[:1]))], axis=0)
            for index in indices:
                result[index] = sqnr_db(signal, noise)
        return result

    def close(self):
        self._session.close()

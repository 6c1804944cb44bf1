"""Refining what pruning has left: gradient descent on the distance to the float model's
outputs over the data and over mixtures of it. No labels are needed; weights that are zero
stay zero."""

from dataclasses import dataclass

import numpy as np

from ..session import InferenceSession
from .equalize import store
from .gradients import with_gradients
from .observe import common_shapes, of_one_shape

# Steps of the descent, and how far the first ones go, in root mean squares of a weight.
_STEPS = 200
_RATE = 0.004
# Steps that one pass over the data has at least, where there is as much of it.
_STEPS_IN_PASS = 6
# Steps after which the runs that are held out are looked at.
_STEPS_BETWEEN = 10
# Of the runs, every so-many-th is held out: what is best for these is kept.
_HELD_OUT = 4
# Multiplications that all steps may take, some minutes, and steps that are worth it.
_MOST_PRODUCTS = 1e13
_LEAST_STEPS = 30


@dataclass
class Refined:
    """Distances of runs that were held out, before and after: squares of what the outputs
    differ by over those of what they deviate. `layers` are the names of those that moved."""

    before: float
    after: float
    layers: list


def refine(graph, layers, original, feeds, wanted, with_biases=True, threads=0):
    """Changes weights and biases of `layers` in `graph`, so that its outputs come nearer to
    those of the model `original`, which for `feeds` are `wanted`. Returns `Refined`, or
    None where nothing could be refined: fewer than four runs of one shape, no way back
    through the operators, too much to compute, or no gain."""
    pairs = _of_one_shape(feeds, wanted)
    held, taken = pairs[::_HELD_OUT], [p for i, p in enumerate(pairs) if i % _HELD_OUT]
    if len(pairs) < _HELD_OUT:
        return None
    names = [value.name for value in graph.proto.output]
    weights = _weights(names, [outputs for _, outputs in pairs])
    places = _places(layers, with_biases)
    found = with_gradients(graph.model, {name: x.shape for name, x in pairs[0][0].items()},
                           list(places), weights) if weights else None
    if found is None:
        return None
    size = max(1, len(taken) // _STEPS_IN_PASS)
    steps = min(_STEPS, int(_MOST_PRODUCTS / (size * _products(layers, found.shapes))))
    if steps < _LEAST_STEPS:
        return None
    descent = _Descent(graph, found, names, threads)
    mixer = _Mixer(original, taken, threads)
    try:
        before, after = descent.run(mixer, held, steps, size)
    finally:
        descent.close()
        mixer.close()
    if not after < before:
        return None
    moved = {id(places[name]): places[name] for name in found.parameters}
    for layer in moved.values():
        _take(layer, descent.best)
        store(graph, layer)
    return Refined(before, after, [layer.name for layer in moved.values()])


def _of_one_shape(feeds, wanted):
    chosen = {id(feed) for feed in of_one_shape(feeds)}
    return [(feed, y) for feed, y in zip(feeds, wanted) if id(feed) in chosen]


def _weights(names, runs):
    """What the squares of each float output count, by name: one over what they deviate."""
    weights = {}
    for index, name in enumerate(names):
        values = [np.asarray(outputs[index]) for outputs in runs]
        if values[0].dtype != np.float32 or any(v.shape != values[0].shape for v in values):
            continue
        power = float(np.var(np.stack(values).astype(np.float64))) * values[0].size
        if np.isfinite(power) and power > 0:
            weights[name] = 1 / power
    return weights


def _products(layers, shapes):
    """Multiplications of a run forth and back, at least 1."""
    count = 1.0
    for layer in layers:
        outputs = layer.weights.shape[layer.channel_axis]
        positions = np.prod(shapes.get(layer.output, ()), dtype=float) / max(outputs, 1)
        count += 3 * layer.weights.size * positions
    return count


def _places(layers, with_biases):
    """Layers by the names of their weights and biases."""
    places = {}
    for layer in layers:
        for name in (layer.node.input[layer.operand], with_biases and _bias_name(layer)):
            if name:
                places[name] = layer
    return places


def _bias_name(layer):
    if layer.bias is None:
        return None
    if layer.bias_node is not None:
        return layer.bias_node.input[1 if layer.bias_node.input[0] == layer.output else 0]
    return layer.node.input[2]


def _take(layer, values):
    layer.weights = values.get(layer.node.input[layer.operand], layer.weights)
    layer.bias = values.get(_bias_name(layer), layer.bias)


class _Mixer:
    """Runs to learn from: two of those that there are, mixed, and what the original model
    makes of that. Some hundred samples would soon be known by heart, their mixtures are
    without number (Beyer et al., Knowledge distillation: A good teacher is patient and
    consistent, 2022). Runs with inputs that are no floats stay as they are."""

    def __init__(self, original, pairs, threads):
        self._pairs = pairs
        self._random = np.random.default_rng(0)
        self._queue = []
        self._session = None
        feed = pairs[0][0]
        if all(x.dtype == np.float32 for x in feed.values()):
            self._session = InferenceSession(original, threads=threads,
                                             shapes=common_shapes([feed]))

    def close(self):
        if self._session is not None:
            self._session.close()

    def take(self):
        if not self._queue:
            self._queue = list(self._random.permutation(len(self._pairs)))
        pair = self._pairs[self._queue.pop()]
        if self._session is None:
            return pair
        other = self._pairs[self._random.integers(len(self._pairs))][0]
        share = np.float32(self._random.uniform())
        seed = self._random.integers(1 << 32)
        mixed = {name: share * x + (1 - share) * np.random.default_rng(seed).permutation(
            other[name], 0 if x.ndim else None) for name, x in pair[0].items()}
        return mixed, self._session.run(None, mixed)


class _Descent:
    """Adam (Kingma and Ba, 2014) on the parameters of `found`."""

    def __init__(self, graph, found, outputs, threads):
        self._found = found
        self._indices = {name: outputs.index(name) for name in found.targets}
        self._values = [graph.constant(name).astype(np.float32) for name in found.parameters]
        self._masks = [(v != 0) if v.ndim > 1 else np.True_ for v in self._values]
        self._session = InferenceSession(found.model, threads=threads)
        self.best = {}

    def close(self):
        self._session.close()

    def run(self, mixer, held, steps, size):
        """The distance of the `held` runs before, and that of the best step; each step
        learns from `size` runs."""
        rates = [_RATE * _scale(v, m) for v, m in zip(self._values, self._masks)]
        first = [np.zeros_like(v) for v in self._values]
        second = [np.zeros_like(v) for v in self._values]
        before = best = self._distance(held)
        for step in range(1, steps + 1):
            gradients = self._gradients([mixer.take() for _ in range(size)])
            slow = 0.5 * (1 + np.cos(np.pi * step / steps))
            for i, gradient in enumerate(gradients):
                gradient = np.where(self._masks[i], gradient, 0)
                first[i] = 0.9 * first[i] + 0.1 * gradient
                second[i] = 0.999 * second[i] + 0.001 * np.square(gradient)
                change = (first[i] / (1 - 0.9**step)
                          / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-12))
                self._values[i] = (self._values[i] - slow * rates[i] * change).astype(np.float32)
            if step % _STEPS_BETWEEN == 0 or step == steps:
                distance = self._distance(held)
                if distance < best:
                    best = distance
                    self.best = dict(zip(self._found.parameters, self._values))
        return before, best

    def _feed(self, pair):
        feed, outputs = pair
        extra = {f"{name}_wanted": outputs[i] for name, i in self._indices.items()}
        return feed | extra | dict(zip(self._found.parameters, self._values))

    def _distance(self, pairs):
        return sum(float(self._session.run(None, self._feed(p))[0]) for p in pairs) / len(pairs)

    def _gradients(self, pairs):
        total = None
        for pair in pairs:
            found = self._session.run(None, self._feed(pair))[1:]
            total = found if total is None else [a + b for a, b in zip(total, found)]
        return total


def _scale(values, mask):
    """The root mean square of what is not masked."""
    kept = values[mask] if mask.ndim else values
    return float(np.sqrt(np.mean(np.square(kept, dtype=np.float64)))) if kept.size else 0.0

"""The order of channels in which pruning to N of M loses least (Pool and Yu, Channel
Permutations for N:M Sparsity, 2021): it decides which weights share a group."""

import numpy as np

from .channels import free_channels
from .compensate import inverse_factor, prune_rows

# Rows that an order is chosen by, evenly spread where there are more.
_MOST_ROWS = 1024
# Numbers that are looked at to begin with: some seconds.
_MOST_CHOICES = 4e9
# Times that some channels are exchanged at random, to leave a local optimum.
_ESCAPES = 4


def permute(graph, layers, moments, pattern):
    """Puts the free channels that `layers` read into better orders, in the constants of
    `graph`; `moments` are [depth, depth] sums of products of each layer's inputs, by its
    name. Returns how many sets of channels it moved; `layers` are stale then."""
    by_node = {layer.node.output[0]: layer for layer in layers
               if layer.name in moments and layer.group == 1}
    moved = 0
    for entry in free_channels(graph):
        readers = [by_node[node.output[0]] for node in entry.readers
                   if node.output[0] in by_node]
        if not readers or entry.size % pattern.group or entry.size == pattern.group:
            continue
        saliency = np.concatenate([_saliency(layer, moments[layer.name], entry.size)
                                   for layer in readers])
        if len(saliency) > _MOST_ROWS:
            picked = np.linspace(0, len(saliency) - 1, _MOST_ROWS).round().astype(int)
            saliency = saliency[picked]
        if entry.size**2 * len(saliency) > _MOST_CHOICES:
            continue
        order = best_order(saliency, pattern)
        # What the order is chosen by takes each weight by itself: only pruning tells.
        new, old = (sum(_loss(layer, moments[layer.name], columns, pattern) for layer in readers)
                    for columns in (order, np.arange(entry.size)))
        if not new < old:
            continue
        for node, index, axis in entry.constants:
            array = np.take(graph.constant(node.input[index]), order, axis)
            node.input[index] = graph.add_constant(array, node.input[index])
        moved += 1
    return moved


def _saliency(layer, sums, channels):
    """[rows, channels]: what each weight's going costs by itself once the others make up for
    it, over what the layer computes; each position of a filter is a row."""
    rows = layer.as_rows(layer.weights).astype(np.float64)
    upper = inverse_factor(sums)
    cost = np.square(rows) / np.square(upper).sum(0)
    signal = np.einsum("ok,kl,ol->", rows, sums, rows)
    return (cost / max(signal, 1e-30)).reshape(-1, channels)


def _loss(layer, sums, order, pattern):
    """The squared error of the pruned layer, with channels in `order`, over its outputs."""
    rows = layer.as_rows(layer.weights).astype(np.float64)
    index = (np.arange(0, len(sums), len(order))[:, None] + order).reshape(-1)
    rows, sums = rows[:, index], sums[np.ix_(index, index)]
    change = rows - prune_rows(rows, sums, pattern)[0]
    noise, signal = (np.einsum("ok,kl,ol->", x, sums, x) for x in (change, rows))
    return noise / max(signal, 1e-30)


def best_order(saliency, pattern):
    """The order of the columns in which groups of `pattern` keep most, as far as exchanges
    of two columns lead, from the order that is and from some that are worse."""
    random = np.random.default_rng(0)
    size = saliency.shape[1]
    best, most = _descend(saliency, np.arange(size), pattern)
    for _ in range(_ESCAPES):
        order = best.copy()
        for _ in range(max(2, size // 16)):
            pair = random.choice(size, 2, replace=False)
            order[pair] = order[pair[::-1]]
        order, kept = _descend(saliency, order, pattern)
        if kept > most:
            best, most = order, kept
    return best


def _descend(saliency, order, pattern):
    """Exchanges the two columns that gain most until none do; the order and what is kept."""
    size, group, kept = saliency.shape[1], pattern.group, int(pattern.kept)
    order = order.copy()
    groups = np.arange(size) // group
    columns = np.ascontiguousarray(saliency.T)
    # What the group of position p keeps with the column at c in its place.
    values = np.empty((size, size))
    totals = np.empty(size // group)

    def look(changed):
        for which in changed:
            first = which * group
            block = columns[order[first:first + group]]
            totals[which] = np.sort(block, 0)[-kept:].sum()
            for p in range(group):
                others = np.sort(np.delete(block, p, 0), 0)[::-1]
                base = others[:kept - 1].sum()
                values[first + p] = base + np.maximum(others[kept - 1], columns).sum(1)[order]

    look(range(size // group))
    least = 1e-9 * totals.sum()
    same = groups[:, None] == groups[None]
    while True:
        gains = values + values.T - totals[groups][:, None] - totals[groups][None]
        gains[same] = -np.inf
        a, b = divmod(int(gains.argmax()), size)
        if gains[a, b] <= least:
            return order, float(totals.sum())
        order[[a, b]] = order[[b, a]]
        values[:, [a, b]] = values[:, [b, a]]
        look({groups[a], groups[b]})

"""Optimal brain surgery on rows of weights: each weight that is changed is made up for by
those after it in its row, so that the layer's outputs change least over the data. Pruning
so is SparseGPT (Frantar and Alistarh, 2023), rounding so GPTQ (Frantar et al., 2022)."""

import numpy as np

from .weights import Rounded, round_weights

# Columns whose changes are spread over the rest of the row at once.
_BLOCK = 128
# Multiplications that solving for the weights of each row may take: some seconds.
_MOST_REFIT = 3e11
# Of the mean diagonal, added to all of it.
_DAMPING = 0.01


def inverse_factor(moments):
    """The upper triangular U with UᵀU the inverse of the damped moments [depth, depth]."""
    damped = moments.astype(np.float64)
    diagonal = np.diag_indices(len(damped))
    dead = damped[diagonal] == 0
    damped[diagonal] += np.where(dead, 1.0, _DAMPING * max(damped[diagonal].mean(), 1e-12))
    inverse = np.linalg.inv(damped)
    return np.linalg.cholesky((inverse + inverse.T) / 2).T


def retarget(rows, squares, cross):
    """The rows that make of changed inputs what `rows` made of the exact ones, as nearly
    as the data says: `squares` are the moments of the changed inputs, `cross` those of the
    exact with the changed ones."""
    damping = _DAMPING * max(np.diagonal(squares).mean(), 1e-12)
    damped = squares + damping * np.eye(len(squares))
    return rows + np.linalg.solve(damped, (rows.astype(np.float64) @ (cross - squares)).T).T


def prune_rows(rows, moments, pattern):
    """`rows` [outputs, depth] pruned to `pattern`, and the mask of what stays."""
    upper = inverse_factor(moments)
    scale = np.square(np.diag(upper))
    weights = rows.astype(np.float64).copy()
    mask = np.ones(weights.shape, bool)
    depth = weights.shape[1]
    # A whole number of groups, so that no group is cut.
    block = _BLOCK // pattern.group * pattern.group or pattern.group if pattern.group else _BLOCK
    for start in range(0, depth, block):
        end = min(start + block, depth)
        if not pattern.group:
            mask[:, start:end] = pattern.choose(
                np.square(weights[:, start:end]) / scale[start:end])
        errors = np.zeros((len(weights), end - start))
        for j in range(start, end):
            if pattern.group and (j - start) % pattern.group == 0:
                last = min(j + pattern.group, depth)
                mask[:, j:last] = pattern.choose(np.square(weights[:, j:last]) / scale[j:last])
            error = np.where(mask[:, j], 0, weights[:, j]) / upper[j, j]
            weights[:, j:end] -= np.outer(error, upper[j, j:end])
            errors[:, j - start] = error
        weights[:, end:] -= errors @ upper[start:end, end:]
    kept = float(mask.sum(1).max(initial=0))
    if len(rows) * kept**3 <= _MOST_REFIT:
        weights = _refit(rows.astype(np.float64), moments, mask)
    return np.where(mask, weights, 0).astype(np.float32), mask


def _refit(rows, moments, mask):
    """The best weights for a mask, row by row: in the walk above those that come first
    know nothing of what goes after them."""
    damped = moments + np.eye(len(moments)) * _DAMPING * max(np.diagonal(moments).mean(), 1e-12)
    products = rows @ damped
    weights = np.zeros(rows.shape)
    for row, (kept, product) in enumerate(zip(mask, products)):
        index = np.flatnonzero(kept)
        weights[row, index] = np.linalg.solve(damped[np.ix_(index, index)], product[index])
    return weights


def round_rows(rows, moments, bits, group, symmetric):
    """`rows` [outputs, depth] rounded; `group`, 0 for all, divides the depth. The steps of
    a group are chosen when its turn comes, for what its weights have become by then."""
    upper = inverse_factor(moments)
    weights = rows.astype(np.float64).copy()
    outputs, depth = weights.shape
    group = group or depth
    values = np.zeros((outputs, depth), np.int32)
    largest = 2 ** (bits - 1) - 1
    lowest = -largest if symmetric else -largest - 1
    scales, zeros = [], []
    for start in range(0, depth, group):
        end = start + group
        steps = round_weights(weights[:, start:end].astype(np.float32), bits,
                              symmetric=symmetric, search=True)
        scale, zero = steps.scales[:, 0].astype(np.float64), steps.zeros[:, 0]
        scales.append(steps.scales)
        zeros.append(steps.zeros)
        errors = np.zeros((outputs, group))
        for j in range(start, end):
            q = np.clip(np.rint(weights[:, j] / scale) + zero, lowest, largest)
            values[:, j] = q
            error = (weights[:, j] - (q - zero) * scale) / upper[j, j]
            weights[:, j:end] -= np.outer(error, upper[j, j:end])
            errors[:, j - start] = error
        weights[:, end:] -= errors @ upper[start:end, end:]
    return Rounded(values, np.concatenate(scales, 1), np.concatenate(zeros, 1), group, bits)

"""Orders of channels: what the model computes stays, what pruning keeps grows."""

import itertools

import numpy as np
import pytest
from quantization_models import MODELS, Builder, relative_error, run_onnxruntime

from mopt.quantization.channels import free_channels
from mopt.quantization.layers import find_layers
from mopt.quantization.masks import Pattern
from mopt.quantization.permute import best_order, permute
from mopt.quantization.prepare import prepare


def inverted_residuals():
    """Two of them; the stream of 8 channels is read twice, by the head through a pooling."""
    b = Builder(7)
    low, high = b.constant(np.float32(0)), b.constant(np.float32(6))
    x = b.node("Clip", b.conv(b.input("x", 2, 3, 6, 6), 3, 8), low, high)
    for _ in range(2):
        y = b.node("Clip", b.conv(x, 8, 16, 1), low, high)
        y = b.node("Clip", b.conv(y, 16, 16, group=16), low, high)
        x = b.node("Add", x, b.node("Mul", b.conv(y, 16, 8, 1), b.weights(8, 1, 1)))
    y = b.node("Flatten", b.node("GlobalAveragePool", x))
    return b.model(b.node("Gemm", y, b.weights(8, 5), b.weights(5)))


def transformer():
    """A block behind a product: its hidden layer and the stream that the norms read are free,
    heads are not."""
    b = Builder(8)
    x = b.node("MatMul", b.input("x", 2, 6, 5), b.weights(5, 8))
    y = b.node("LayerNormalization", x, b.weights(8), b.weights(8))
    y = b.node("Reshape", b.node("MatMul", y, b.weights(8, 8)), b.constant(np.array([2, -1, 4])))
    y = b.node("Reshape", b.node("Relu", y), b.constant(np.array([2, 6, 8])))
    x = b.node("Add", x, b.node("MatMul", y, b.weights(8, 8)))
    y = b.node("LayerNormalization", x, b.weights(8), b.weights(8))
    y = b.node("Relu", b.node("Add", b.node("MatMul", y, b.weights(8, 16)), b.weights(16)))
    x = b.node("Add", x, b.node("MatMul", y, b.weights(16, 8)))
    return b.model(b.node("MatMul", x, b.weights(8, 3)))


def sizes(model):
    return sorted((entry.size, len(entry.readers)) for entry in free_channels(prepare(model)))


def test_free_channels():
    assert sizes(inverted_residuals()) == [(8, 3), (16, 1), (16, 1)]
    assert sizes(transformer()) == [(8, 3), (16, 1)]
    # A concatenation holds the first convolutions, a reshape the second product.
    assert sizes(MODELS["residual"]()) == [(24, 1)]
    assert sizes(MODELS["perceptron"]()) == [(64, 1)]
    assert sizes(MODELS["recurrent"]()) == []


def test_held_by_other_readers():
    b = Builder(9)
    x = b.node("MatMul", b.input("x", 4, 8), b.weights(8, 8))
    y = b.node("MatMul", x, b.weights(8, 8))
    assert sizes(b.model(y)) == [(8, 1)]
    assert sizes(b.model(y, x)) == []
    w = b.weights(8, 8)
    tied = b.node("MatMul", b.node("MatMul", y, w), w)
    assert sizes(b.model(tied)) == [(8, 1)]
    assert sizes(b.model(b.node("Add", y, b.node("Softmax", x, axis=-1)))) == []


@pytest.mark.parametrize("make", [inverted_residuals, transformer, *MODELS.values()])
def test_results_stay(make):
    model = make()
    shape = [dim.dim_value or 2 for dim in model.graph.input[0].type.tensor_type.shape.dim]
    random = np.random.default_rng(2)
    data = [{"x": random.normal(size=shape).astype(np.float32)}]
    graph = prepare(model)
    layers = [layer for layer in find_layers(graph) if not layer.reason]
    moments = {}
    for layer in layers:
        mix = random.normal(size=(layer.depth, layer.depth))
        moments[layer.name] = mix @ mix.T
    moved = permute(graph, layers, moments, Pattern.parse("2:4"))
    assert 0 < moved <= len(free_channels(prepare(model))) or not free_channels(prepare(model))
    found = run_onnxruntime(graph.model, data)
    assert relative_error(found, run_onnxruntime(model, data)) < 1e-5


def test_best_order_of_few():
    """As good as the best of all orders of eight columns."""
    pattern = Pattern.parse("2:4")
    for seed in range(5):
        saliency = np.random.default_rng(seed).exponential(size=(6, 8)) ** 2

        def kept(order):
            blocks = saliency[:, list(order)].reshape(6, 2, 4)
            return np.sort(blocks, 2)[:, :, 2:].sum()

        order = best_order(saliency, pattern)
        assert sorted(order) == list(range(8))
        best = max(kept([*first, *sorted(set(range(8)) - set(first))])
                   for first in itertools.combinations(range(8), 4))
        assert kept(order) >= 0.999 * best

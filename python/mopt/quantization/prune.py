"""mopt.prune: zeros into the weights of an ONNX model, in a pattern."""

import os

import numpy as np

from ..session import InferenceSession
from . import bias as biases
from . import refine as refining
from .channels import free_channels
from .compensate import prune_rows, retarget
from .equalize import store
from .gate import Metric
from .layers import channel_axis, find_layers
from .masks import Pattern
from .observe import as_feeds, common_shapes, observe, run_all, with_outputs
from .permute import permute
from .prepare import load, prepare
from .products import MOST_DEPTH, SecondMoments
from .report import LayerReport, Result
from .sensitivity import sqnr_db

METHODS = ("magnitude", "wanda", "sparsegpt")


def prune(model, data=None, output=None, pattern="2:4", method=None, *, exclude=(),
          bias_correction=True, refine=True, threads=0):
    """Sets weights of Conv, MatMul and Gemm to zero: of each M in a row along the depth
    all but N ("N:M"; the depth of a convolution is its input channels, at each position
    of the kernel), or a share of all ("unstructured:0.9").

    `method`: magnitude; wanda (Sun et al., 2023), magnitude times the root mean square of
    what the weight is multiplied with; sparsegpt (Frantar and Alistarh, 2023), where the
    weights that stay make up for those that go. The last two need `data`, as for
    `mopt.quantize`; without a method it is sparsegpt with data, else magnitude.

    Before sparsegpt channels are put in an order in which groups of M lose less, where
    only constants have to move for it, those of excluded layers among them. After it
    `refine` moves all weights that stay, and those of layers that are not pruned, to
    bring the outputs of the model nearer to what they were; runs that are held out for
    that must gain, else nothing moves.

    Returns a `Result`, whose layers say the scheme ("2:4") or why it was left, and the
    SQNR of the pruned layer's weights or, with data, outputs, before it is refined.
    Raises ValueError.
    """
    pattern = Pattern.parse(pattern)
    method = method or ("magnitude" if data is None else "sparsegpt")
    if method not in METHODS:
        raise ValueError(f"expected method {', '.join(METHODS)}, found '{method}'")
    graph = prepare(model)
    exclude = [exclude] if isinstance(exclude, str) else exclude
    layers, free = _layers(graph, exclude, pattern, method)
    active = [layer for layer in layers if not layer.reason]
    if not active:
        why = "; ".join(f"{layer.name}: {layer.reason}" for layer in layers)
        raise ValueError(f"nothing in the model can be pruned{': ' if why else ''}{why}")
    feeds = as_feeds(data, graph) if data is not None or method != "magnitude" else []
    if method == "sparsegpt" and pattern.group and _reorder(graph, active, feeds, pattern, threads):
        layers, free = _layers(graph, exclude, pattern, method)
        active = [layer for layer in layers if not layer.reason]
    reports = {id(layer): LayerReport(layer.name, layer.node.op_type, "dense", layer.reason,
                                      layer.input) for layer in layers}
    if method == "sparsegpt":
        _in_order(graph, active, feeds, pattern, bias_correction, reports, threads)
    else:
        _at_once(graph, active, feeds, pattern, method, bias_correction, reports, threads)
    graph.drop_unused_constants()
    result = Result(graph.model, str(pattern), list(reports.values()))
    if feeds:
        original = load(model)
        names = [value.name for value in original.graph.output]
        exact = list(run_all(original, feeds, threads))
        if refine and method == "sparsegpt":
            result.refined = refining.refine(graph, free, original, feeds, exact,
                                             bias_correction, threads)
            graph.drop_unused_constants()
        metric = Metric(names, exact)
        found = list(run_all(graph.model, feeds, threads))
        result.drop, result.sqnr_db = metric.drop(found), metric.sqnr_db(found)
    if output is not None:
        result.save(os.fspath(output))
    return result


def _layers(graph, exclude, pattern, method):
    """All layers, which say why they are not pruned, and those whose weights may change."""
    layers = find_layers(graph, exclude)
    free = [layer for layer in layers if not layer.reason]
    for layer in layers:
        _leave(layer, pattern, method)
    return layers, free


def _reorder(graph, active, feeds, pattern, threads):
    """Better orders of channels, by the inputs as they are before anything is pruned."""
    readers = {node.output[0] for entry in free_channels(graph) for node in entry.readers}
    layers = [layer for layer in active if layer.output in readers]
    moments = [SecondMoments(layer) for layer in layers]

    def visit(arrays):
        for entry in moments:
            entry.update(arrays[entry.layer.input])

    if layers:
        observe(graph, {layer.input: None for layer in layers}, feeds, threads, visit)
    return permute(graph, layers, {entry.layer.name: entry.centered()[0] for entry in moments
                                   if entry.layer.group == 1}, pattern)


def _leave(layer, pattern, method):
    if layer.reason:
        return
    run = layer.weights.shape[1] if layer.node.op_type == "Conv" else layer.depth
    if pattern.group and run % pattern.group:
        what = "input channels" if layer.node.op_type == "Conv" else "depth"
        layer.reason = f"its {what} of {run} have no whole groups of {pattern.group}"
    elif layer.is_recurrent and method != "magnitude":
        layer.reason = "the inputs of its sums are not observed"
    elif method == "sparsegpt" and layer.depth > MOST_DEPTH:
        layer.reason = f"its depth is above {MOST_DEPTH}"


def _at_once(graph, active, feeds, pattern, method, bias_correction, reports, threads):
    statistics = {}
    axes = {layer.input: channel_axis(layer) for layer in active if not layer.is_recurrent}
    if feeds and axes and (method == "wanda" or bias_correction):
        statistics = observe(graph, axes, feeds, threads)
    for layer in active:
        rows = layer.as_rows(layer.weights)
        importance = np.abs(rows)
        known = statistics.get(layer.input)
        if method == "wanda":
            power = biases.power_inputs(layer, known.require_data())
            groups, depth = power.shape
            importance = (importance.reshape(groups, -1, depth)
                          * np.sqrt(power)[:, None]).reshape(rows.shape)
        pruned = np.where(pattern.choose(importance, by_row=method == "wanda"), rows, 0)
        if bias_correction and known is not None and not layer.is_recurrent:
            layer.bias = biases.correct(layer, pruned - rows, known)
        _replace(graph, layer, pruned, pattern, reports)
        reports[id(layer)].sqnr_db = sqnr_db(*(float(np.square(x, dtype=np.float64).sum())
                                               for x in (rows, rows - pruned)))


def _in_order(graph, active, feeds, pattern, bias_correction, reports, threads):
    """Each layer is to make of the inputs that it has, once those before it are pruned,
    what it made of the exact ones; layers that read one value are pruned together."""
    done = {}
    for layer in active:
        done.setdefault(layer.input, []).append(layer)
    inputs = {value.name for value in graph.inputs}
    exact = InferenceSession(with_outputs(graph.model, [x for x in done if x not in inputs]),
                             threads=threads, shapes=common_shapes(feeds)) if (
        done.keys() - inputs) else None
    for name, layers in done.items():
        moments = [SecondMoments(layer) for layer in layers]

        runs = iter(feeds)

        def visit(arrays, name=name, moments=moments, runs=runs):
            feed = next(runs)
            wanted = feed[name] if name in inputs else exact.run([name], feed)[0]
            for entry in moments:
                entry.update(arrays[name], wanted)

        observe(graph, {name: None}, feeds, threads, visit)[name].require_data()
        for layer, entry in zip(layers, moments):
            rows = layer.as_rows(layer.weights)
            shifts = bias_correction and biases.can_hold_bias(layer, len(rows))
            squares, cross = ((entry.centered(), entry.centered_cross()) if shifts
                              else (entry.squares, entry.cross))
            pruned = np.concatenate([
                prune_rows(retarget(part, sums, mixed), sums, pattern)[0]
                for part, sums, mixed in zip(np.split(rows, layer.group), squares, cross)])
            if shifts:
                bias = layer.bias if layer.bias is not None else np.float32(0)
                layer.bias = (bias + biases.shift_of(layer, rows, entry.exact_means)
                              - biases.shift_of(layer, pruned, entry.means))
            signal, noise = (sum(float(np.einsum("ok,kl,ol->", part, sums, part))
                                 for part, sums in zip(np.split(x, layer.group), moments_of))
                             for x, moments_of in ((rows, entry.squares),
                                                   (rows - pruned, squares)))
            reports[id(layer)].sqnr_db = sqnr_db(signal, noise)
            _replace(graph, layer, pruned, pattern, reports)
    if exact is not None:
        exact.close()


def _replace(graph, layer, rows, pattern, reports):
    layer.weights = layer.from_rows(rows.astype(np.float32))
    store(graph, layer)
    report = reports[id(layer)]
    report.scheme = str(pattern)

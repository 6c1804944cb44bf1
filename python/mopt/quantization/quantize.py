"""mopt.quantize: a float ONNX model to a quantized one."""

import os

import numpy as np

from . import equalize as equalization
from .activations import choose_steps, static_values
from .gate import Metric, fewest_exclusions, ranking
from .layers import channel_axis, find_layers
from .observe import as_feeds, observe, of_one_shape, run_all
from .options import Options
from .prepare import load, prepare
from .products import MOST_DEPTH, SecondMoments
from .report import AccuracyError, LayerReport, Result
from .rewrite import rewrite, round_layer, scheme_of
from .sensitivity import Switches

# Runs of the data that sensitivity is measured with, evenly spread over it.
SENSITIVITY_RUNS = 16


def quantize(model, data=None, output=None, mode="static-int8", method="minmax", *,
             per_channel=True, symmetric=True, symmetric_activations=False,
             activation_type=np.uint8, percentile=99.99, group=0, bias_correction=True,
             equalize=False, compensate=True, exclude=(), max_drop=None, metric=None, sensitivity=True,
             threads=0):
    """Quantizes the Conv, MatMul and Gemm nodes of a float model (path, bytes or
    ModelProto) that have constant weights; of LSTM, GRU and RNN the weights.

    `mode`: static-int8 (activations in 8 bits of fixed steps, which needs `data`),
    dynamic-int8 (steps found in each run), weight-int8, weight-int4 (`group` positions of
    the depth share a scale; 0: all). `method` chooses ranges: minmax, percentile, entropy
    or mse. `data` is an iterable of dictionaries, an input array for each name, which are
    run by mopt. With data and 4 bits, `compensate` lets the weights that are rounded later
    make up for those before them (GPTQ). `exclude` names layers or operators that stay in floats. `max_drop`
    excludes the most sensitive layers until the drop is no more, see `Result.drop`;
    `metric` scores a list of output dictionaries instead, higher is better.
    `sensitivity=False` leaves out the measurement of each layer.

    Returns a `Result`; writes its model to `output` if given. Raises ValueError for data
    that does not fit the model and for ranges that are not finite, AccuracyError where
    `max_drop` cannot be held.
    """
    options = Options(mode, method, percentile, per_channel, symmetric, symmetric_activations,
                      activation_type, group, bias_correction, equalize, compensate)
    if max_drop is not None and not max_drop >= 0:
        raise ValueError(f"expected max_drop from 0 on, found {max_drop}")
    needs_data = options.is_static or max_drop is not None or metric is not None
    if isinstance(exclude, str):
        exclude = [exclude]
    graph = prepare(model, options.opset)
    layers = find_layers(graph, exclude)
    feeds = as_feeds(data, graph) if needs_data or data is not None else []
    if all(layer.reason for layer in layers):
        why = "; ".join(f"{layer.name}: {layer.reason}" for layer in layers)
        raise ValueError(f"nothing in the model can be quantized{': ' if why else ''}{why}")
    if options.equalize:
        equalization.equalize(graph, layers)
    result = _Quantizer(graph, layers, feeds, options, threads).run(
        load(model), max_drop, metric, sensitivity)
    if output is not None:
        result.save(os.fspath(output))
    return result


class _Quantizer:
    def __init__(self, graph, layers, feeds, options, threads):
        self.graph, self.feeds, self.options, self.threads = graph, feeds, options, threads
        self.layers = layers
        active = [layer for layer in layers if not layer.reason]
        types = graph.types()
        self.values = static_values(graph, active, types) if options.is_static else []
        self.statistics = self._observe(active)
        self.steps = (choose_steps(graph, self.values, self.statistics, options)
                      if options.is_static else {})
        self.chosen = [round_layer(layer, options, self.steps.get(layer.input),
                                   self.statistics.get(layer.input),
                                   self.moments.pop(layer.name, None)) for layer in active]

    def _observe(self, active):
        axes = dict.fromkeys(self.values)
        products = [layer for layer in active if not layer.is_recurrent]
        self.moments = {}
        if self.feeds and self.options.uses_moments:
            self.moments = {layer.name: SecondMoments(layer) for layer in products
                            if layer.depth <= MOST_DEPTH}
        if self.feeds and (self.options.bias_correction or self.options.is_static
                           or self.moments):
            for layer in products:
                axes[layer.input] = channel_axis(layer)

        def visit(arrays):
            for entry in self.moments.values():
                entry.update(arrays[entry.layer.input])

        return observe(self.graph, axes, self.feeds, self.threads, visit) if axes else {}

    def rewritten(self, excluded=()):
        kept = [entry for i, entry in enumerate(self.chosen) if i not in excluded]
        values = {}
        if self.options.is_static:
            inner = [entry.layer for entry in kept if entry.scheme == "static-int8"]
            names = static_values(self.graph, inner, self.graph.types())
            values = {name: self.steps[name] for name in names}
        return rewrite(self.graph, kept, values)

    def run(self, original, max_drop, score, sensitivity):
        own, end_to_end = [None] * len(self.chosen), None
        excluded, drop, decibels, outside = set(), None, None, {}
        if not self.feeds:
            return self._result(self.rewritten(), own, None, None, None, {})
        # Equalization and folding change no more than rounding, but the reference is the
        # model as it was given.
        names = [value.name for value in original.graph.output]
        metric = Metric(names, list(run_all(original, self.feeds, self.threads)), score)
        if sensitivity or max_drop is not None:
            switches = self._switches(max_drop is not None)
            own = switches.layers
            end_to_end = switches.end_to_end() if sensitivity else None
            order = ranking(self.chosen, own, end_to_end)
            if max_drop is not None:
                estimate = Metric(names, switches.exact, score)
                model, excluded, found = self._search(switches, order, metric, estimate,
                                                      max_drop)
            switches.close()
        if max_drop is None:
            model = self.rewritten()
            found = list(run_all(model, self.feeds, self.threads))
        drop, decibels = metric.drop(found), metric.sqnr_db(found)
        outside = {i: "excluded for accuracy" for i in excluded}
        result = self._result(model, own, end_to_end, drop, decibels, outside)
        if max_drop is not None and (not drop <= max_drop or len(excluded) == len(self.chosen)):
            raise AccuracyError(
                f"the drop is {drop:.3g} with all but the least sensitive layers excluded; "
                f"at most {max_drop:.3g} was asked for", result)
        return result

    def _switches(self, all_runs):
        feeds = of_one_shape(self.feeds)
        if not all_runs and len(feeds) > SENSITIVITY_RUNS:
            picked = np.linspace(0, len(feeds) - 1, SENSITIVITY_RUNS).round().astype(int)
            feeds = [feeds[i] for i in picked]
        return Switches(self.graph, self.chosen, self.steps, feeds, self.threads)

    def _search(self, switches, order, metric, estimate, max_drop):
        """The model with the fewest layers excluded whose own outputs pass; the last one
        with something quantized where none does."""
        nodes = [entry.layer.node.name for entry in self.chosen]
        everything = set(range(len(self.chosen)))
        count, most, excluded = fewest_exclusions(
            order, nodes, lambda gone: estimate.drop(switches.outputs(everything - gone)),
            max_drop)
        # The switches estimate; what is written is measured.
        while True:
            count = min(count, most - 1)
            model = self.rewritten(excluded(count))
            found = list(run_all(model, self.feeds, self.threads))
            if metric.drop(found) <= max_drop or count == most - 1:
                return model, excluded(count), found
            count += max(1, count // 4)

    def _result(self, model, own, end_to_end, drop, decibels, outside):
        indices = {id(entry.layer): i for i, entry in enumerate(self.chosen)}
        ranks = {}
        if own and own[0] is not None:
            ranks = {i: rank for rank, i in
                     enumerate(ranking(self.chosen, own, end_to_end), 1)}
        reports = []
        for layer in self.layers:
            i = indices.get(id(layer))
            reason = layer.reason or outside.get(i, "")
            report = LayerReport(layer.name, layer.node.op_type,
                                 "float" if reason else scheme_of(layer, self.options), reason,
                                 layer.input)
            if i is not None:
                scales = self.chosen[i].rounded.scales
                report.weight_scales = float(scales.min()), float(scales.max())
                report.sqnr_db, report.rank = own[i], ranks.get(i)
                report.end_to_end_sqnr_db = end_to_end[i] if end_to_end else None
                if layer.input in self.steps:
                    steps = self.steps[layer.input]
                    info = np.iinfo(steps.dtype)
                    report.input_scale = float(steps.scale)
                    report.input_zero_point = int(steps.zero)
                    report.input_range = tuple(float(steps.scale) * (end - steps.zero)
                                               for end in (info.min, info.max))
            reports.append(report)
        return Result(model, self.options.mode, reports, decibels, drop)

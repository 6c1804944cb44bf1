"""Attention as models write it: queries, keys and values of one product or of three, picked,
split or sliced, transposed in several orders, scaled before or after. Results are ONNX
Runtime's, and no kernel only moves elements where the product can read them where they are."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

import mopt

ROOT = Path(__file__).resolve().parents[2]
RUNNER = os.environ.get("MOPT_AVX512_RUNNER")
HEADS, SIZE = 3, 16
WIDTH = HEADS * SIZE


class Graph:
    """Nodes by name of their output."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, value, kind=np.int64):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def add(self, op, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def weights(self, rng, columns):
        return self.constant(rng.standard_normal((WIDTH, columns)) / np.sqrt(WIDTH), np.float32)


def picked(graph, rng, rows):
    """One product, transposed so that queries, keys and values are its first dimension."""
    x = graph.add("MatMul", "x", graph.weights(rng, 3 * WIDTH))
    x = graph.add("Reshape", x, graph.constant([0, rows, 3, HEADS, SIZE]))
    x = graph.add("Transpose", x, perm=[2, 0, 3, 1, 4])
    return [graph.add("Gather", x, graph.constant(i), axis=0) for i in (0, 1, -1)]


def split(graph, rng, rows):
    """One product, cut along its columns before there are heads."""
    x = graph.add("MatMul", "x", graph.weights(rng, 3 * WIDTH))
    parts = graph.add("Split", x, graph.constant([WIDTH] * 3), outputs=3, axis=2)
    parts = [graph.add("Reshape", part, graph.constant([0, rows, HEADS, SIZE])) for part in parts]
    return [graph.add("Transpose", part, perm=[0, 2, 1, 3]) for part in parts]


def separate(graph, rng, rows):
    """Three products."""
    parts = [graph.add("MatMul", "x", graph.weights(rng, WIDTH)) for _ in range(3)]
    parts = [graph.add("Reshape", part, graph.constant([0, rows, HEADS, SIZE])) for part in parts]
    return [graph.add("Transpose", part, perm=[0, 2, 1, 3]) for part in parts]


def attention(form, rows, scaled="queries", batch=2, symbol=None):
    graph, rng = Graph(), np.random.default_rng(3)
    q, k, v = form(graph, rng, -1 if symbol else rows)
    scale = graph.constant(SIZE ** -0.5, np.float32)
    if scaled == "queries":
        q = graph.add("Mul", q, scale)
    elif scaled == "keys":
        k = graph.add("Mul", scale, k)
    k = graph.add("Transpose", k, perm=[0, 1, 3, 2])
    s = graph.add("MatMul", q, k)
    if scaled == "products":
        s = graph.add("Div", s, graph.constant(SIZE ** 0.5, np.float32))
    p = graph.add("Softmax", s, axis=-1)
    y = graph.add("Transpose", graph.add("MatMul", p, v), perm=[0, 2, 1, 3])
    graph.nodes.append(helper.make_node(
        "Reshape", [y, graph.constant([0, -1 if symbol else rows, WIDTH])], ["y"]))
    shape = [batch, symbol or rows, WIDTH]
    model = helper.make_model(helper.make_graph(
        graph.nodes, "attention", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], graph.constants),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def get_kernels(model, folder, **options):
    """What the kernels that the model calls compute."""
    path = folder / "model.onnx"
    path.write_bytes(model)
    report = folder / "report.json"
    subprocess.run([Path(os.environ["MOPT_BIN_DIR"]) / "mopt-compile", path, "-q", "-o",
                    folder / "model.so", f"--report={report}",
                    *[f"--{name}={value}" for name, value in options.items()]], check=True)
    return [kernel["fused"] for kernel in json.loads(report.read_text())["kernels"]
            for _ in kernel["calls"]]


@pytest.mark.parametrize("scaled", ["queries", "keys", "products"])
@pytest.mark.parametrize("rows", [1, 5, 64, 197])
@pytest.mark.parametrize("form", [picked, split, separate])
def test_results(form, rows, scaled):
    model = attention(form, rows, scaled)
    x = np.random.default_rng(1).standard_normal((2, rows, WIDTH)).astype(np.float32)
    expected = ort.InferenceSession(model).run(None, {"x": x})[0]
    for threads in (1, 2):
        got = mopt.InferenceSession(model, threads=threads).run(None, {"x": x})[0]
        assert np.abs(got - expected).max() <= 2e-6 * np.abs(expected).max()


@pytest.mark.parametrize("form", [picked, split, separate])
def test_dynamic_rows(form):
    model = attention(form, None, symbol="rows")
    session = mopt.InferenceSession(model)
    reference = ort.InferenceSession(model)
    for rows in (1, 7, 33, 100):
        x = np.random.default_rng(rows).standard_normal((2, rows, WIDTH)).astype(np.float32)
        expected = reference.run(None, {"x": x})[0]
        assert np.abs(session.run(None, {"x": x})[0] - expected).max() \
            <= 2e-6 * np.abs(expected).max()


@pytest.mark.parametrize("symbol", [None, "rows"])
@pytest.mark.parametrize("form", [picked, split, separate])
def test_nothing_is_moved_by_itself(form, symbol, tmp_path):
    kernels = get_kernels(attention(form, 64, symbol=symbol), tmp_path, target="x86-64-v3")
    movers = [ops for ops in kernels
              if all(op in ("slice", "reshape", "transpose", "gather", "pad") for op in ops)]
    assert not movers
    assert sum("softmax" in ops for ops in kernels) == 1
    # The products before attention, its two, and softmax.
    assert len(kernels) == (6 if form is separate else 4)


def test_constant_right_sides_of_another_order():
    """Packed at compile time."""
    graph, rng = Graph(), np.random.default_rng(5)
    w = graph.add("Transpose", graph.constant(rng.standard_normal((40, HEADS, 24)), np.float32),
                  perm=[1, 2, 0])
    graph.nodes.append(helper.make_node("MatMul", ["x", w], ["y"]))
    model = helper.make_model(helper.make_graph(
        graph.nodes, "constant",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [HEADS, 9, 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [HEADS, 9, 40])], graph.constants),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    x = rng.standard_normal((HEADS, 9, 24)).astype(np.float32)
    expected = ort.InferenceSession(model).run(None, {"x": x})[0]
    assert np.abs(mopt.InferenceSession(model).run(None, {"x": x})[0] - expected).max() < 1e-4


def test_strict_keeps_the_scale(tmp_path):
    """Another order of roundings is none of strict's."""
    kernels = get_kernels(attention(picked, 64), tmp_path, target="x86-64-v3", numerics="strict")
    assert any("mul" in ops and "matmul" not in ops for ops in kernels)


@pytest.mark.skipif(not RUNNER, reason="MOPT_AVX512_RUNNER is not set")
@pytest.mark.parametrize("rows", [34, 37])
@pytest.mark.parametrize("form", [picked, split, separate])
def test_halves_in_matrix_registers(form, rows, tmp_path):
    """An odd number of rows is an odd depth of the second product."""
    model = attention(form, rows, batch=1)
    x = np.random.default_rng(1).standard_normal((1, rows, WIDTH)).astype(np.float32)
    expected = ort.InferenceSession(model).run(None, {"x": x})[0]
    kernels = get_kernels(model, tmp_path, target="sapphirerapids", precision="bf16")
    assert not [ops for ops in kernels if ops == ["pad"] or ops == ["transpose"]]
    np.save(tmp_path / "x.npy", x)
    subprocess.run([*RUNNER.split(), Path(os.environ["MOPT_BIN_DIR"]) / "mopt-run",
                    tmp_path / "model.so", f"--input={tmp_path / 'x.npy'}", "--threads=1", "-q",
                    f"--output={tmp_path}"], check=True, timeout=300)
    got = np.load(tmp_path / "y.npy")
    assert np.abs(got - expected).max() <= 2e-2 * np.abs(expected).max()

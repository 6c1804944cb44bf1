"""python -m mopt: the verbs that need no compiler, on a hand-written library and on
models; verify with a stand-in for the compiled side."""

import json
import pathlib
import shutil
import subprocess

import mopt.__main__ as commands
import mopt._verify
import numpy as np
import onnx
import pytest
from mopt import agreement
from mopt.peers import onnxruntime_session

HERE = pathlib.Path(__file__).resolve().parent
MODEL = """<ir_version: 8, opset_import: ["": 17]> g (float[n, 3] x) => (float[n, 3] y) {
  a = Exp(x)
  b = Relu(a)
  y = Sqrt(b)
}"""


@pytest.fixture
def library(tmp_path):
    compiler = next(filter(None, map(shutil.which, ("clang-22", "clang", "cc"))))
    path = tmp_path / "identity.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-DTEST_DTYPE=1", "-DTEST_BITS=32", "-I",
                    HERE.parents[1] / "include", "-o", path, HERE / "fixture_identity.c"],
                   check=True)
    return str(path)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(onnx.parser.parse_model(MODEL), path)
    return str(path)


class StandIn:
    """ONNX Runtime in the place of a compiled library, with one operator gone wrong."""

    wrong = None

    def __init__(self, path, threads=0, **options):
        proto = onnx.load(path)
        for node in proto.graph.node:
            if node.op_type == StandIn.wrong:
                node.op_type = "Neg"
        self.session = onnxruntime_session(proto.SerializeToString())

    def run(self, names, feed):
        return self.session.run(names, feed)

    def close(self):
        pass


@pytest.fixture
def stand_in(monkeypatch):
    StandIn.wrong = None
    monkeypatch.setattr(mopt._verify, "InferenceSession", StandIn)
    return StandIn


def test_run_reads_and_writes_files(library, tmp_path, capsys):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "x.npy", array)
    assert commands.main(["run", library, "--input", f"x={tmp_path / 'x.npy'}", "--output",
                          str(tmp_path / "out.npz")]) == 0
    assert "y: float32[2, 3]" in capsys.readouterr().out
    np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y"], array)


def test_run_makes_inputs_of_the_asked_size(library, capsys):
    assert commands.main(["run", library, "--dim", "rows=4"]) == 0
    assert "y: float32[4, 3]" in capsys.readouterr().out


def test_run_reports_errors(library, tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    assert commands.main(["run", library, "--input", f"x={tmp_path / 'x.npy'}"]) == 1
    assert "expected element type float32, found float64" in capsys.readouterr().err


def test_inspect(library, model, capsys):
    assert commands.main(["inspect", library]) == 0
    assert json.loads(capsys.readouterr().out)["inputs"] == [
        {"name": "x", "type": "tensor(float)", "shape": ["rows", 3]}]
    assert commands.main(["inspect", model]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["operators"] == {"Exp": 1, "Relu": 1, "Sqrt": 1}
    assert found["outputs"][0]["shape"] == ["n", 3]


def test_bench_times_a_library(library, capsys):
    assert commands.main(["bench", library, "--threads", "1", "--rounds", "1", "--json"]) == 0
    result, = json.loads(capsys.readouterr().out)["results"]
    assert result["engine"] == "mopt" and result["error"] is None
    assert 0 < result["min_ms"] <= result["median_ms"] <= result["p99_ms"]


def test_bench_survives_an_engine_that_dies(library, tmp_path):
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no library")
    results = mopt.bench({"mopt": str(broken)}, {}, rounds=1, round_seconds=0.01)
    assert "OSError" in results["mopt"].error


def test_verify_agrees(stand_in, model, capsys):
    assert commands.main(["verify", model, "--dim", "n=5"]) == 0
    assert "ok" in capsys.readouterr().out


def test_verify_names_the_first_layer_that_differs(stand_in, model, capsys):
    stand_in.wrong = "Relu"
    assert commands.main(["verify", model, "--per-layer"]) == 1
    assert "first layer that differs: b" in capsys.readouterr().out


def test_unknown_arguments_are_refused(model):
    with pytest.raises(SystemExit):
        commands.main(["verify", model, "--frobnicate"])


def reference(*arrays, rounding=0.0):
    return agreement.Reference([f"o{i}" for i in range(len(arrays))], list(arrays),
                               [a + np.asarray(rounding, a.dtype) for a in arrays])


def test_the_rule_scales_with_the_output():
    exact = np.array([0.0, 100.0], np.float32)
    within, = agreement.compare([exact + np.float32(0.009)], reference(exact))
    beyond, = agreement.compare([exact + np.float32(0.02)], reference(exact))
    excused, = agreement.compare([exact + np.float32(0.02)], reference(exact, rounding=0.015))
    assert within.agrees and not beyond.agrees and excused.agrees


def test_the_rule_for_integers_nan_infinity_shape_and_type():
    exact = np.array([1, 2, 3])
    assert not agreement.compare([exact + [0, 0, 1]], reference(exact))[0].agrees
    special = np.array([np.nan, np.inf, -np.inf, 1], np.float32)
    assert agreement.compare([special.copy()], reference(special))[0].agrees
    for index, value in [(0, 0.0), (1, -np.inf), (3, np.nan), (3, np.inf)]:
        other = special.copy()
        other[index] = value
        assert not agreement.compare([other], reference(special))[0].agrees
    ones = np.ones((2, 2), np.float32)
    assert "shape" in agreement.compare([ones[0]], reference(ones))[0].message
    assert "element type" in agreement.compare([ones.astype(np.float64)],
                                               reference(ones))[0].message
    half = np.array([1.0, 2.0], np.float16)
    assert agreement.compare([np.nextafter(half, np.float16(3))], reference(half))[0].agrees
    empty = np.zeros((0, 3), np.float32)
    assert agreement.compare([empty], reference(empty))[0].agrees


def test_the_argmax_counts_where_it_is_clear():
    exact = np.array([[1.0, 0.0], [1.0, 0.99999]], np.float32)
    swapped = exact[:, ::-1].copy()
    result, = agreement.compare([exact], reference(exact), argmax="o0")
    assert result.agrees
    assert "1 of 2 argmax" in agreement.compare_argmax("o0", swapped, exact, -1, 1e-4)

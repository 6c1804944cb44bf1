"""--tune measures layers and says what it found; --tune-record keeps it and brings it back."""

import json
import os
import pathlib
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import mopt

BIN = pathlib.Path(os.environ["MOPT_BIN_DIR"])
FLAGS = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
RNG = np.random.default_rng(11)
SECONDS = "--tune=120"


def compile_tuned(path, library, *arguments):
    return subprocess.run([BIN / "mopt-compile", path, "-o", library, "-v", *arguments],
                          capture_output=True, text=True, timeout=600)


def certificate(library):
    info = subprocess.run([BIN / "mopt-run", library, "--info", "--json"], check=True,
                          capture_output=True, text=True).stdout
    return json.loads(info)["build_info"]


@pytest.fixture(scope="module", name="quantized")
def quantized_model(tmp_path_factory):
    """Two equal layers of bytes and a third one, Q/DQ around each, and a sparse one of floats."""
    arrays, nodes = {}, []

    def constant(name, array):
        arrays[name] = array
        return name

    constant("s", np.float32(0.02))
    constant("z", np.uint8(128))
    constant("ws", np.float32(0.01))
    constant("wz", np.int8(0))
    current = "x"
    for number, (depth, width) in enumerate([(96, 96), (96, 96), (96, 40)]):
        weights = constant(f"w{number}", RNG.integers(-60, 60, (depth, width), dtype=np.int8))
        nodes += [helper.make_node("QuantizeLinear", [current, "s", "z"], [f"q{number}"]),
                  helper.make_node("DequantizeLinear", [f"q{number}", "s", "z"], [f"d{number}"]),
                  helper.make_node("DequantizeLinear", [weights, "ws", "wz"], [f"dw{number}"]),
                  helper.make_node("MatMul", [f"d{number}", f"dw{number}"], [f"m{number}"],
                                   name=f"layer{number}"),
                  helper.make_node("Relu", [f"m{number}"], [f"r{number}"])]
        current = f"r{number}"
    kept = RNG.standard_normal((40, 64)).astype(np.float32)
    kept[np.arange(40) % 4 > 1] = 0
    nodes.append(helper.make_node("MatMul", [current, constant("sparse", kept)], ["y"],
                                  name="pruned"))
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 96])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 64])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()])
    path = tmp_path_factory.mktemp("tune") / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                ir_version=8), path)
    return path


@pytest.fixture(scope="module", name="record")
def tuning_record(quantized):
    """What --tune wrote, and the library that it made."""
    path, library = quantized.with_suffix(".json"), quantized.with_suffix(".tuned.so")
    done = compile_tuned(quantized, library, SECONDS, f"--tune-record={path}")
    assert done.returncode == 0, done.stderr
    assert "were not measured" not in done.stderr
    assert "tune" in done.stderr
    return path, library


def changed(record, tmp_path, change):
    """The record's file with a change, elsewhere."""
    fields = json.loads(record.read_text(encoding="utf-8"))
    change(fields)
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(fields), encoding="utf-8")
    return path


def test_record_has_every_layer(record):
    layers = json.loads(record[0].read_text(encoding="utf-8"))["layers"]
    quantized = {name: layers.pop(f"{name} (MatMul)") for name in ("layer0", "layer1", "layer2")}
    for entry in quantized.values():
        assert set(entry) == {"choice", "integers_us", "floats_us"}
        assert entry["choice"] in {"integers", "floats", "rule"}
        assert min(entry["integers_us"], entry["floats_us"]) > 0
        if entry["choice"] != "rule":
            assert entry[entry["choice"] + "_us"] == min(entry["integers_us"], entry["floats_us"])
    # Layers that are alike are measured once.
    assert quantized["layer0"] == quantized["layer1"]
    assert layers.pop("pruned (MatMul)")["choice"] in {"sparse", "dense", "rule"}
    assert not layers


def test_record_makes_the_same_library(quantized, record, tmp_path):
    path, tuned = record
    library = tmp_path / "m.so"
    done = compile_tuned(quantized, library, f"--tune-record={path}")
    assert done.returncode == 0, done.stderr
    assert library.read_bytes() == tuned.read_bytes()
    measured = {entry["layer"]: entry for entry in certificate(library)["quantization"]}
    layers = json.loads(path.read_text(encoding="utf-8"))["layers"]
    for name in ("layer0 (MatMul)", "layer2 (MatMul)"):
        assert measured[name]["measured_choice"] == layers[name]["choice"]
        assert measured[name]["floats_us"] == layers[name]["floats_us"]


@pytest.mark.parametrize("choice", ["integers", "floats"])
def test_choice_is_followed(choice, quantized, record, tmp_path):
    def choose(fields):
        fields["layers"]["layer1 (MatMul)"]["choice"] = choice

    path, library = changed(record[0], tmp_path, choose), tmp_path / "m.so"
    done = compile_tuned(quantized, library, f"--tune-record={path}")
    assert done.returncode == 0, done.stderr
    arithmetic = {entry["layer"]: entry["arithmetic"]
                  for entry in certificate(library)["quantization"]}
    assert arithmetic["layer1 (MatMul)"] == choice
    assert f"computed in {choice}, as was measured" in done.stderr
    x = RNG.standard_normal((3, 96)).astype(np.float32)
    wanted = mopt.InferenceSession(str(record[1])).run(None, {"x": x})[0]
    found = mopt.InferenceSession(str(library)).run(None, {"x": x})[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("choice", ["sparse", "dense"])
def test_sparse_choice_is_followed(choice, quantized, record, tmp_path):
    if choice == "sparse" and not {"avx2", "avx512f"} & set(FLAGS):
        pytest.skip("this processor's target has no sparse micro-kernel")

    def choose(fields):
        fields["layers"]["pruned (MatMul)"]["choice"] = choice

    path, library = changed(record[0], tmp_path, choose), tmp_path / "m.so"
    done = compile_tuned(quantized, library, f"--tune-record={path}")
    assert done.returncode == 0, done.stderr
    (entry,) = certificate(library)["sparsity"]
    assert entry["arithmetic"] == choice


def test_no_time_leaves_the_rules(quantized, tmp_path):
    path = tmp_path / "r.json"
    done = compile_tuned(quantized, tmp_path / "m.so", "--tune=0", f"--tune-record={path}")
    assert done.returncode == 0, done.stderr
    assert "4 of 4 layers were not measured in 0 seconds" in done.stderr
    assert json.loads(path.read_text(encoding="utf-8"))["layers"] == {}
    assert "measured_choice" not in certificate(tmp_path / "m.so")["quantization"][0]


def test_dynamic_shapes_leave_the_rules(quantized, tmp_path):
    model = onnx.load(quantized)
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    other = tmp_path / "dynamic.onnx"
    onnx.save(model, other)
    done = compile_tuned(other, tmp_path / "m.so", "--tune=5")
    assert done.returncode == 0, done.stderr
    assert "nothing was measured" in done.stderr


@pytest.mark.parametrize("change, message", [
    (lambda r: r.update(target="x86-64-v2-not"), "is for the target 'x86-64-v2-not', found"),
    (lambda r: r.update(model="0" * 64), "is of another model"),
    (lambda r: r.update(version=2), "has another version, expected 1"),
    (lambda r: r.pop("layers"), 'has no "model", no "target" or no "layers"'),
    (lambda r: r["layers"]["layer0 (MatMul)"].update(choice="sparse"),
     "has no \"choice\" that the layer 'layer0 (MatMul)' has"),
    (lambda r: r["layers"]["layer0 (MatMul)"].pop("choice"), "has no \"choice\""),
])
def test_bad_record(change, message, quantized, record, tmp_path):
    path = changed(record[0], tmp_path, change)
    done = compile_tuned(quantized, tmp_path / "m.so", f"--tune-record={path}")
    assert done.returncode == 1
    assert message in done.stderr


def test_record_of_other_shapes(quantized, record, tmp_path):
    """The same model with another batch has other layers."""
    model = onnx.load(quantized)
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = 5
    other = tmp_path / "other.onnx"
    onnx.save(model, other)
    done = compile_tuned(other, tmp_path / "m.so", f"--tune-record={record[0]}")
    assert done.returncode == 1
    assert "is of another model, or of other options or shapes" in done.stderr


def test_bad_options(quantized, tmp_path):
    library = tmp_path / "m.so"
    for arguments, code, message in [
            ([f"--tune-record={tmp_path / 'none.json'}"], 1, "cannot be read"),
            (["--tune=5", "--emit=legal"], 2, "decide between levels legal and kernels"),
            (["--tune=5", "--pipeline=reference"], 2, "exclude --pipeline=reference"),
            (["--tune=5", "--target=neoverse-n1"], 2, "cannot measure 'neoverse-n1' code"),
            (["--tune=soon"], 2, "option '--tune'")]:
        done = compile_tuned(quantized, library, *arguments)
        assert done.returncode == code, (arguments, done.stderr)
        assert message in done.stderr

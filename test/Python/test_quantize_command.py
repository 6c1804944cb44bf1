"""python -m mopt quantize: files in and out, exit codes."""

import json

import mopt.__main__ as commands
import numpy as np
import onnx
import pytest
from quantization_models import feeds, perceptron, run_onnxruntime


@pytest.fixture
def files(tmp_path):
    onnx.save(perceptron(), tmp_path / "model.onnx")
    for index, feed in enumerate(feeds("perceptron", 3)):
        np.savez(tmp_path / f"part{index}.npz", **feed)
    return tmp_path


def command(files, *options):
    return commands.main(["quantize", str(files / "model.onnx"), "-o", str(files / "out.onnx"),
                          *options])


def test_writes_model_and_report(files, capsys):
    assert command(files, "--data", str(files / "part*.npz"), "--report",
                   str(files / "report.json"), "--method", "mse") == 0
    assert "static-int8" in capsys.readouterr().out
    run_onnxruntime(onnx.load(files / "out.onnx"), feeds("perceptron"))
    report = json.loads((files / "report.json").read_text())
    assert report["mode"] == "static-int8" and report["sqnr_db"] > 20
    layer = report["layers"][0]
    assert layer["scheme"] == "static-int8" and layer["input_scale"] > 0
    assert layer["input_range"][0] < 0 < layer["input_range"][1]


def test_a_stack_of_runs_is_data(files):
    stack = np.stack([feed["x"] for feed in feeds("perceptron", 5)])
    np.savez(files / "stack.npz", x=stack)
    assert command(files, "--data", str(files / "stack.npz"), "--no-sensitivity") == 0


def test_the_gate_has_an_exit_code(files, capsys):
    assert command(files, "--data", str(files / "part0.npz"), "--max-drop", "1e-9") == 4
    assert "at most 1e-09" in capsys.readouterr().err
    assert not (files / "out.onnx").exists()


def test_bad_data_is_an_error(files, capsys):
    assert command(files) == 1
    assert command(files, "--data", str(files / "nothing*.npz")) == 1
    np.savez(files / "other.npz", z=np.zeros(3))
    assert command(files, "--data", str(files / "other.npz")) == 1
    assert "input 'x' is missing" in capsys.readouterr().err

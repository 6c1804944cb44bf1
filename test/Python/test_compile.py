"""mopt.compile: the options it passes on, and the errors it makes of diagnostics. The
tool is a stand-in here; the real one is tested by its own suite."""

import json
import os
import stat
import sys

import mopt
import pytest
from mopt import _compile

STAND_IN = """#!{python}
import json, os, sys
json.dump(sys.argv[1:], open(os.environ["MOPT_TEST_ARGUMENTS"], "w"))
sys.stderr.write(os.environ.get("MOPT_TEST_STDERR", ""))
code = int(os.environ.get("MOPT_TEST_EXIT", "0"))
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    path = tmp_path / "mopt-compile"
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("MOPT_BIN_DIR", str(tmp_path))
    monkeypatch.setenv("MOPT_TEST_ARGUMENTS", str(tmp_path / "arguments.json"))
    return lambda: json.loads((tmp_path / "arguments.json").read_text())


def test_options_become_those_of_the_tool(tool, tmp_path):
    library = mopt.compile("m.onnx", tmp_path / "m.so", target=["x86-64-v3", "sapphirerapids"],
                           shapes={"x": (1, 3, 224, 224)}, dims={"batch": 8},
                           quantize="dynamic-int8", sparsity="off", prune="2:4", opt_level=1,
                           numerics="strict", arguments=["-j", "1"])
    assert os.fspath(library) == str(tmp_path / "m.so")
    assert tool() == ["m.onnx", "-o", str(tmp_path / "m.so"),
                      "--target=x86-64-v3,sapphirerapids", "--shape=x:1x3x224x224",
                      "--dim=batch=8", "--quantize=dynamic-int8", "--sparsity=off", "--prune=2:4",
                      "-O1", "--numerics=strict", "-j", "1"]


def test_defaults_are_left_to_the_tool(tool, tmp_path):
    mopt.compile(b"bytes", tmp_path / "m.so")
    arguments = tool()
    assert arguments[0].endswith("model.onnx") and len(arguments) == 3
    # The copy of the bytes is gone.
    assert not os.path.exists(arguments[0])


def test_every_diagnostic_is_carried(tool, monkeypatch):
    monkeypatch.setenv("MOPT_TEST_EXIT", "3")
    monkeypatch.setenv("MOPT_TEST_STDERR", "\n".join([
        "m.onnx: node 'a'b' (Foo, opset 13): operator is not supported",
        "dir: x/m.onnx: node '' (ai.onnx.ml.Bar, opset 3): expected rank 2, found 3; use Squeeze",
        "m.onnx: remark: node 'c' (Conv, opset 1): generic kernel",
        "m.onnx: error: expected a graph"]) + "\n")
    with pytest.raises(mopt.CompileError) as caught:
        mopt.compile("m.onnx", "m.so")
    error = caught.value
    assert error.exit_code == 3
    assert [(d.node, d.op, d.opset, d.severity, d.message) for d in error.diagnostics] == [
        ("a'b", "Foo", 13, "error", "operator is not supported"),
        ("", "ai.onnx.ml.Bar", 3, "error", "expected rank 2, found 3; use Squeeze"),
        ("c", "Conv", 1, "remark", "generic kernel"),
        (None, None, None, "error", "expected a graph")]
    assert "unsupported construct" in str(error) and "node 'a'b' (Foo)" in str(error)
    assert "generic kernel" not in str(error)


def test_a_compiler_that_dies_is_an_error_too(tool, monkeypatch):
    monkeypatch.setenv("MOPT_TEST_EXIT", "-11")
    with pytest.raises(mopt.CompileError, match="SIGSEGV") as caught:
        mopt.compile("m.onnx", "m.so")
    assert caught.value.exit_code == -11


def test_a_missing_tool_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MOPT_BIN_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="'mopt-nothing'"):
        _compile.tool("mopt-nothing")

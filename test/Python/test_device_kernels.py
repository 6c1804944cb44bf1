"""The kernels of models for every row of devices: ptxas takes them, and none spills."""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_models import FOLDER, ROOT, catalogue, mopt

PTXAS = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
BIN = pathlib.Path(os.environ["MOPT_BIN_DIR"])
ASSEMBLE = pathlib.Path(ROOT, "test", "Target", "NVPTX", "Inputs", "assemble.py")
pytestmark = pytest.mark.skipif(not PTXAS, reason="code for devices is not assembled: no ptxas")


def check_kernels(name, target, tmp_path, **options):
    model, = catalogue.select([name])
    subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, name], check=True)
    mopt.compile(model.file("static", FOLDER), tmp_path / "model.ptx", target=target, **options)
    assemble(tmp_path / "model.ptx", target)


def assemble(path, target):
    with open(path, encoding="utf-8") as code:
        done = subprocess.run([sys.executable, ASSEMBLE, PTXAS], stdin=code, capture_output=True,
                              text=True)
    assert done.returncode == 0, done.stderr
    assert f"{target} kernel_" in done.stdout


@pytest.mark.parametrize("target", ["sm_80", "sm_89", "sm_90a", "sm_100a"])
@pytest.mark.parametrize("name", ["mlp", "minilm_l6"])
def test_kernels_assemble(name, target, tmp_path):
    check_kernels(name, target, tmp_path)


@pytest.mark.parametrize("precision", ["int8", "fp8", "tf32"])
def test_kernels_of_other_precisions_assemble(precision, tmp_path):
    check_kernels("minilm_l6", "sm_90a", tmp_path, arguments=[f"--precision={precision}"])


@pytest.mark.parametrize("kind", ["f16", "u8"])
@pytest.mark.parametrize("target", ["sm_80", "sm_89", "sm_90a", "sm_100a"])
def test_sparse_weights(kind, target, tmp_path):
    """Weights of pattern 2:4 are multiplied without their zeros, be their sizes what they are."""
    weights = np.arange(203 * 131).reshape(203, 131) % 7 + 1
    weights[2::4] = weights[3::4] = 0
    left = TensorProto.FLOAT16 if kind == "f16" else TensorProto.UINT8
    right = np.float16 if kind == "f16" else np.int8
    graph = helper.make_graph(
        [helper.make_node("MatMul" if kind == "f16" else "MatMulInteger", ["x", "w"], ["p"]),
         helper.make_node("Add", ["p", "p"], ["y"])], "product",
        [helper.make_tensor_value_info("x", left, [70, 203])],
        [helper.make_tensor_value_info("y", left if kind == "f16" else TensorProto.INT32,
                                       [70, 131])],
        [numpy_helper.from_array(weights.astype(right), "w")])
    files = [tmp_path / name for name in ("m.onnx", "legal.mlir", "marked.mlir", "m.ptx")]
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)],
                                ir_version=10), files[0])
    compiler, flag = BIN / "mopt-compile", f"--target={target}"
    subprocess.run([compiler, files[0], flag, "--emit=legal", "-o", files[1]], check=True)
    subprocess.run([BIN / "mopt-opt", files[1], "--pass-pipeline=builtin.module(func.func("
                    "mopt-select-sparsity{sparse=always}))", "-o", files[2]], check=True)
    subprocess.run([compiler, files[2], flag, "-o", files[3]], check=True)
    assert "mma.sp" in files[3].read_text()
    assemble(files[3], target)

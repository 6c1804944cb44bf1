"""Attention in all the ways of bench/device-attention is one kernel, which ptxas takes without
spilling."""

import importlib.machinery
import importlib.util
import pathlib
import re
import subprocess
import sys

import onnx
import pytest
from test_device_kernels import ASSEMBLE, PTXAS
from test_models import ROOT, mopt

pytestmark = pytest.mark.skipif(not PTXAS, reason="code for devices is not assembled: no ptxas")

path = str(pathlib.Path(ROOT, "bench", "device-attention"))
loader = importlib.machinery.SourceFileLoader("device_attention", path)
bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("device_attention", loader))
loader.exec_module(bench)

# Sizes that are timed only have the kernels of others.
CASES = [name for name in bench.CASES if not re.search("-2048|-8192", name)]


def count_kernels(name, target, tmp_path):
    """The kernels of a case by their names, and how many registers each has."""
    onnx.save(bench.make_model(name), tmp_path / "model.onnx")
    mopt.compile(tmp_path / "model.onnx", tmp_path / "model.ptx", target=target,
                 arguments=[f"--precision={bench.CASES[name][6]}"])
    with open(tmp_path / "model.ptx", encoding="utf-8") as code:
        done = subprocess.run([sys.executable, ASSEMBLE, PTXAS], stdin=code, capture_output=True,
                              text=True)
    assert done.returncode == 0, done.stderr
    return re.findall(rf"{target} (\w+):", done.stdout)


def check(name, target, tmp_path):
    kernels = count_kernels(name, target, tmp_path)
    # That of a mask of conditions, and which rows see none.
    others = 2 if bench.CASES[name][7] == "blind" else 0
    assert len(kernels) == 1 + others, kernels
    assert sum(kernel.startswith("kernel_attention") for kernel in kernels) == 1


@pytest.mark.parametrize("name", CASES)
def test_groups_of_warps(name, tmp_path):
    check(name, "sm_90a", tmp_path)


@pytest.mark.parametrize("target, name", [
    ("sm_80", "tail"), ("sm_80", "d256"), ("sm_80", "causal-d256"), ("sm_80", "d33-odd"),
    ("sm_89", "d192"), ("sm_89", "hidden"), ("sm_89", "causal-groups"), ("sm_89", "blind"),
    ("sm_100a", "packed"), ("sm_100a", "d72-odd"), ("sm_100a", "d128-odd")])
def test_warps(target, name, tmp_path):
    check(name, target, tmp_path)

"""The kernels of models for every row of devices: ptxas takes them, and none spills."""

import pathlib
import shutil
import subprocess
import sys

import pytest
from test_models import FOLDER, ROOT, catalogue, mopt

PTXAS = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
ASSEMBLE = pathlib.Path(ROOT, "test", "Target", "NVPTX", "Inputs", "assemble.py")
pytestmark = pytest.mark.skipif(not PTXAS, reason="code for devices is not assembled: no ptxas")


def check_kernels(name, target, tmp_path, **options):
    model, = catalogue.select([name])
    subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, name], check=True)
    mopt.compile(model.file("static", FOLDER), tmp_path / "model.ptx", target=target, **options)
    with open(tmp_path / "model.ptx", encoding="utf-8") as code:
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

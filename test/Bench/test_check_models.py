"""bench/remote/check_models: what it says of models that agree, and of one that fails."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def call(folder, *arguments):
    return subprocess.run([sys.executable, ROOT / "bench" / "remote" / "check_models", folder,
                           "mlp", *arguments], capture_output=True, text=True)


def test_targets_and_seeds(tmp_path):
    done = call(tmp_path, "--targets=x86-64-v2:x86-64-v3", "--seeds=2")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    for target in ("x86-64-v2", "x86-64-v3"):
        assert f"mlp {target} seed 0: ok" in lines and f"mlp {target} seed 1: ok" in lines
        (summary,) = [line for line in lines if line.startswith(f"mlp {target}: largest errors")]
        assert "of 2 inputs" in summary
    assert lines[-1] == "4 of 4 agree"


def test_what_does_not_compile_is_told(tmp_path):
    done = call(tmp_path, "--targets=x86-64-v3", "--options=--no-such-option")
    assert done.returncode == 1
    assert done.stdout.startswith("mlp x86-64-v3: mopt-compile: exit 2")
    assert done.stdout.splitlines()[-1] == "0 of 1 agree"

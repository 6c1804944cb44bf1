"""bench/pack-device-nodes and its check_nodes: what they make of node tests, with the
processor in the place of a device."""

import os
import pathlib
import platform
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ["MOPT_BUILD"]

# A plain one; parameters, sequences and optionals as inputs; values that decide conditions,
# sizes and loops; types that numpy lacks, and some under a byte; one without a form anywhere.
COMPILED = ["test_relu", "test_reduce_sum_keepdims_example", "test_sequence_insert_at_back",
            "test_optional_get_element_optional_tensor", "test_if", "test_nonzero_example",
            "test_loop11", "test_top_k", "test_cast_FLOAT_to_BFLOAT16",
            "test_cast_FLOAT16_to_INT4", "test_cast_FLOAT_to_FLOAT8E5M2", "test_affine_grid_2d"]
REFUSED = ["test_bernoulli"]
ON_HOST = {"test_if", "test_nonzero_example", "test_loop11", "test_top_k", "test_affine_grid_2d"}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 machine")
def test_node_tests_compile_and_are_checked(tmp_path):
    names = "|".join([*COMPILED, *REFUSED])
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "pack-device-nodes", tmp_path, "--build", BUILD,
         "--target=sm_90a,x86-64-v2", "--option=--fallback=processor", f"--filter=^({names})$"],
        capture_output=True, text=True, check=True, timeout=600)
    assert done.stdout.startswith(f"{len(COMPILED) + 1} cases, {len(COMPILED)} compiled;")
    assert "operator 'Bernoulli' is not supported  (test_bernoulli)" in done.stdout
    shared = re.search(r"^5 of them with a part that the host computes: (.*)$", done.stdout, re.M)
    assert shared and set(shared[1].split(", ")) == ON_HOST

    check = subprocess.run([sys.executable, tmp_path / "check_nodes"], capture_output=True,
                           text=True, timeout=300, check=False,
                           env=dict(os.environ, MOPT_TARGET="x86-64-v2"))
    assert check.returncode == 0, check.stdout + check.stderr
    assert check.stdout.endswith(f"{len(COMPILED)} passed, 0 failed\n")

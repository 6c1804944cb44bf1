"""Which rows of x86 this machine runs, and what runs the others: the emulator whose command
MOPT_AVX512_RUNNER holds."""

import os
import pathlib
import shlex
import subprocess

import numpy as np
import pytest

from mopt import _compile

FLAGS = set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
EMULATOR = shlex.split(os.environ.get("MOPT_AVX512_RUNNER", ""))
# What of /proc/cpuinfo a row needs.
NEEDS = {"x86-64-v2": {"sse4_2"},
         "x86-64-v3": {"avx2", "fma"},
         "x86-64-v4": {"avx512vl", "avx512bw"},
         "icelake-server": {"avx512_vnni", "avx512_vbmi2"},
         "znver4": {"avx512_bf16", "avx512_vbmi2"},
         "sapphirerapids": {"amx_int8", "avx512_fp16"}}


def is_native(target):
    return NEEDS[target] <= FLAGS


def runner(target):
    """The command in front of a program that runs `target`'s code."""
    if is_native(target):
        return []
    if not EMULATOR:
        pytest.skip(f"no machine for {target}, and MOPT_AVX512_RUNNER names no emulator")
    return EMULATOR


def run(library, target, feeds, folder, *options, threads=2, timeout=300):
    """The outputs by name, with '_' for '/', of mopt-run with `target`'s code of a library."""
    folder.mkdir(exist_ok=True)
    np.savez(folder / "in.npz", **feeds)
    subprocess.run([*runner(target), _compile.tool("mopt-run"), f"--input={folder}/in.npz",
                    f"--output={folder}/out", f"--threads={threads}", *options, library],
                   check=True, timeout=timeout, env=dict(os.environ, MOPT_TARGET=target))
    return {file.stem: np.load(file) for file in sorted((folder / "out").iterdir())}

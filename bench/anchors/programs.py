"""Compiles and runs models with mopt's programs alone, where its Python module is not built,
as on the machine that bench/pack-remote packs for. Stands in for `mopt` in sparse.py and
halves.py with --programs.
"""

import json
import os
import subprocess
import tempfile

import numpy as np

from mopt._compile import tool

_FOLDER = tempfile.TemporaryDirectory()


def compile(model, library=None, target="native", arguments=(), **options):
    """Like mopt.compile: a path, or an ONNX model; returns the library's path."""
    folder = tempfile.mkdtemp(dir=_FOLDER.name)
    library = library or os.path.join(folder, "m.so")
    if not isinstance(model, str):
        path = os.path.join(folder, "m.onnx")
        with open(path, "wb") as file:
            file.write(model.SerializeToString())
        model = path
    subprocess.run([tool("mopt-compile"), model, "-o", library, f"--target={target}",
                    f"--report={library}.json", *arguments,
                    *(f"--{name}={value}" for name, value in options.items())], check=True)
    return library


class InferenceSession:
    """Runs a library in a process of its own."""

    def __init__(self, library, threads=1):
        self.library, self.threads = library, threads

    @property
    def micro_kernels(self):
        """The names of those that the report lists, where `compile` made the library."""
        with open(f"{self.library}.json") as file:
            return sorted({name for kernel in json.load(file)["kernels"]
                           for name in kernel["micro_kernels"]})

    def run(self, _, feeds):
        with tempfile.TemporaryDirectory() as folder:
            command = [tool("mopt-run"), self.library, "-q", f"--threads={self.threads}",
                       f"--output={folder}"]
            for name, array in feeds.items():
                path = os.path.join(folder, f"in-{name}.npy")
                np.save(path, array)
                command.append(f"--input={name}={path}")
            subprocess.run(command, check=True)
            return [np.load(os.path.join(folder, file)) for file in sorted(os.listdir(folder))
                    if not file.startswith("in-")]

"""Libraries for AArch64 behind mopt's own Python classes: within `installed`, or after
`install`, a model that is loaded is served by serving_runner.c under qemu-aarch64."""

import atexit
import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import threading
import types

import numpy as np

from mopt import _dtypes, _model

CC, QEMU = "aarch64-linux-gnu-gcc", "qemu-aarch64"
MISSING = [tool for tool in (CC, QEMU) if not shutil.which(tool)]
# Targets and the processors of qemu that run them, with vectors of SVE as long as theirs.
CPUS = {"armv8-a": "cortex-a53", "cortex-a76": "cortex-a76", "neoverse-n1": "neoverse-n1",
        "neoverse-v1": "max,sve-default-vector-length=32"}
# The same with vectors of 16 bytes, as Neoverse V2 has: ten times as fast. With longer ones qemu 7
# takes 150 cycles for a fused product of f32 on x86 hosts, perhaps because the upper halves of
# their vector registers stay set.
QUICK_CPUS = CPUS | {"neoverse-v1": "max,sve-default-vector-length=16"}
ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent


def build(source, output, *more):
    """Compiles a C program of this folder for AArch64."""
    subprocess.run([CC, "-std=gnu11", "-O1", "-Wall", "-Werror", f"-I{ROOT / 'include'}",
                    str(HERE / source), *map(str, more), "-o", str(output), "-ldl", "-lm",
                    "-lpthread"], check=True)
    return output


class Runner:
    """A process of serving_runner.c on the processor `cpu`, started anew after it ended."""

    def __init__(self, cpu):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)
        self._command = [QEMU, "-cpu", cpu, "-L", "/usr/aarch64-linux-gnu",
                         str(build("serving_runner.c", self.folder / "runner"))]
        self._process = None
        self.is_open = None

    def ask(self, line):
        """The lines of the answer; `RunError` if the process ended instead."""
        if self._process is None:
            self._errors = open(self.folder / "errors", "w+", encoding="utf-8")
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self._errors, text=True)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        lines = []
        while (text := self._process.stdout.readline()) != "done\n":
            if not text:
                raise self._failure()
            lines.append(text.rstrip("\n"))
        return lines

    def _failure(self):
        code = self._process.wait()
        self.close()
        self._errors.seek(0)
        text = self._errors.read().strip()
        return _model.RunError(f"{text or 'no reason given'} (exit code {code})",
                               "MOPT_INTERNAL_ERROR")

    def close(self):
        if self._process:
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
        self._process = self.is_open = None


class Model:
    """Stands in for the extension module's class of that name."""

    runner = None
    _lock = threading.Lock()

    def __init__(self, path, threads, weights, device, fallback):
        if weights or device or fallback:
            raise NotImplementedError("weights in a file of their own, devices")
        self.name, self.build_info_json = pathlib.Path(path).stem, ""
        self._opening = f"open {path} {threads or 1}"
        with self._lock:
            lines = iter(self._open(again=True))
        self._inputs, self._outputs = _read_specs(lines), _read_specs(lines)

    def _open(self, again=False):
        if self.runner.is_open == self._opening and not again:
            return None
        self.runner.is_open = None
        lines = self.runner.ask(self._opening)
        self.runner.is_open = self._opening
        return lines

    def close(self):
        pass

    def inputs(self):
        return self._inputs

    def outputs(self):
        return self._outputs

    def run(self, values, normalize):
        with self._lock:
            self._open()
            command = [f"run {self.runner.folder}/out."]
            for index, value in enumerate(values):
                memory, shape = normalize(index, value)
                file = self.runner.folder / f"in.{index}"
                file.write_bytes(b"".join(text + b"\0" for text in memory)
                                 if isinstance(memory, list) else memory.tobytes())
                command.append(f"{file}:{'x'.join(map(str, shape))}")
            lines = self.runner.ask(" ".join(command))
            return [self._read(index, tuple(map(int, line.split())))
                    for index, line in enumerate(lines)]

    def _read(self, index, shape):
        number = self._outputs[index][1]
        data = (self.runner.folder / f"out.{index}").read_bytes()
        if number == _dtypes.STRING:
            return [text.decode() for text in data.split(b"\0")[:-1]], shape
        if _dtypes.is_packed(number):
            return np.frombuffer(data, np.uint8), shape
        kind = (_dtypes.numpy_type if _dtypes.is_plain(number) else _dtypes.carrier_type)(number)
        return np.frombuffer(data, kind, int(np.prod(shape, dtype=np.int64))).reshape(shape)


def _read_specs(lines):
    specs = []
    for _ in range(int(next(lines))):
        number, flags, name = next(lines).split(" ", 2)
        dims = [dim for dim in next(lines).split("\t") if dim]
        specs.append((name, int(number), tuple(None if dim == "?" else int(dim)
                                               if dim.isdigit() else dim for dim in dims),
                      bool(int(flags) & 1)))
    return specs


def install(target, cpus=None):
    """Models that are loaded from now on run on a processor that has what `target` has."""
    runner = Runner((cpus or CPUS)[target])
    atexit.register(runner.close)
    _model._mopt = types.SimpleNamespace(Model=type("Model", (Model,), {"runner": runner}))
    return runner


@contextlib.contextmanager
def installed(target, cpus=None):
    """Models that are loaded meanwhile do."""
    native, runner = _model._mopt, install(target, cpus)
    try:
        yield
    finally:
        _model._mopt = native
        runner.close()

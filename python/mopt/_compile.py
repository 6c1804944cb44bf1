"""Compiling a model: the mopt-compile tool in a process of its own, so that whatever
happens there the caller gets an exception with every diagnostic."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass

EXIT_MEANING = {1: "bad model or input", 2: "usage", 3: "unsupported construct",
                4: "accuracy gate failed", 5: "internal error"}

_NODE_LINE = re.compile(
    r"^(?P<file>.*?): (?:(?P<severity>error|warning|remark|note): )?"
    r"node '(?P<node>.*?)' \((?P<op>[^(),]+)(?:, opset (?P<opset>\d+))?\): "
    r"(?:(?P<severity2>error|warning|remark|note): )?(?P<message>.*)$")
_PLAIN_LINE = re.compile(
    r"^(?:(?P<file>[^:]*): )?(?:(?P<severity>error|warning|remark|note): )?(?P<message>.*)$")


@dataclass(frozen=True)
class Diagnostic:
    """One message of the compiler; `node` and `op` are None where it names no node."""

    message: str
    node: str = None
    op: str = None
    opset: int = None
    severity: str = "error"

    def __str__(self):
        return f"node '{self.node}' ({self.op}): {self.message}" if self.op else self.message


class CompileError(Exception):
    """A model that does not compile: all `diagnostics`, and the tool's `exit_code`
    (negative: the signal that ended it)."""

    def __init__(self, exit_code, diagnostics, stderr=""):
        self.exit_code = exit_code
        self.diagnostics = diagnostics
        self.stderr = stderr
        what = EXIT_MEANING.get(exit_code, f"exit code {exit_code}")
        if exit_code < 0:
            what = f"the compiler ended by {signal.Signals(-exit_code).name}"
        lines = [str(d) for d in diagnostics if d.severity == "error"]
        super().__init__("\n".join([what, *lines]))


class Library:
    """What `compile` wrote: usable wherever a path is."""

    def __init__(self, path, folder=None):
        self.path = path
        self.folder = folder

    def __fspath__(self):
        return self.path

    def __repr__(self):
        return f"mopt.Library({self.path!r})"

    def session(self, threads=0):
        from .session import InferenceSession

        return InferenceSession(self, threads=threads)


def tool(name):
    """The path of a mopt tool: MOPT_BIN_DIR, beside the package, its tree, or PATH."""
    package = os.path.dirname(os.path.abspath(__file__))
    tree = os.path.dirname(os.path.dirname(package))
    folders = [os.environ.get("MOPT_BIN_DIR"), os.path.join(package, "bin"),
               os.path.join(tree, "build", "bin"), os.path.join(tree, "bin")]
    for folder in filter(None, folders):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"'{name}' is neither in MOPT_BIN_DIR, nor beside the package, "
                                "nor on the path")
    return path


def version():
    """What `mopt-compile --version` prints."""
    return subprocess.run([tool("mopt-compile"), "--version"], check=True, text=True,
                          capture_output=True).stdout.strip()


def parse_diagnostics(stderr):
    """The diagnostics in the compiler's error stream. Notes of crash handlers and
    progress lines come out as plain messages."""
    diagnostics = []
    for line in stderr.splitlines():
        line = line.rstrip()
        if not line:
            continue
        match = _NODE_LINE.match(line)
        if match:
            opset = match["opset"]
            diagnostics.append(Diagnostic(
                match["message"], match["node"], match["op"], int(opset) if opset else None,
                match["severity"] or match["severity2"] or "error"))
            continue
        match = _PLAIN_LINE.match(line)
        diagnostics.append(Diagnostic(match["message"], severity=match["severity"] or "error"))
    return diagnostics


def model_path(model, folder):
    """A file for a model that is a path, serialized bytes or a ModelProto."""
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model)
    data = model if isinstance(model, (bytes, bytearray)) else model.SerializeToString()
    path = os.path.join(folder, "model.onnx")
    with open(path, "wb") as file:
        file.write(data)
    return path


def arguments_of(target="native", shapes=None, dims=None, quantize=None, sparsity="auto",
                 opt_level=3, numerics=None, arguments=(), prune=None, fallback="none"):
    """The tool's options for those of `compile`; what has its default is left out."""
    result = []
    if target != "native":
        targets = target if isinstance(target, str) else ",".join(target)
        result.append(f"--target={targets}")
    if fallback != "none":
        result.append(f"--fallback={fallback}")
    for name, shape in (shapes or {}).items():
        result.append(f"--shape={name}:{'x'.join(str(size) for size in shape)}")
    for name, size in (dims or {}).items():
        result.append(f"--dim={name}={size}")
    if quantize is not None:
        result.append(f"--quantize={quantize}")
    if sparsity != "auto":
        result.append(f"--sparsity={sparsity}")
    if prune is not None:
        result.append(f"--prune={prune}")
    if opt_level != 3:
        result.append(f"-O{opt_level}")
    if numerics is not None:
        result.append(f"--numerics={numerics}")
    return result + list(arguments)


def invoke(model, output, options, timeout=None):
    """Runs the compiler; raises CompileError unless it succeeds."""
    with tempfile.TemporaryDirectory(prefix="mopt-") as folder:
        command = [tool("mopt-compile"), model_path(model, folder), "-o", output, *options]
        # A reproducer of an internal error is the tool's to place; the standard
        # streams are the caller's business.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, capture_output=True,
                              timeout=timeout, errors="replace")
    if done.returncode != 0:
        raise CompileError(done.returncode, parse_diagnostics(done.stderr), done.stderr)
    return done


def compile(model, output=None, *, target="native", shapes=None, dims=None, quantize=None,
            sparsity="auto", opt_level=3, numerics=None, arguments=(), prune=None,
            fallback="none"):
    """Compiles a model (path, bytes or ModelProto) to `output`, whose extension chooses
    what is made; without it, to a library that lives as long as the returned object.
    `arguments` are passed to mopt-compile as they are."""
    options = arguments_of(target, shapes, dims, quantize, sparsity, opt_level, numerics,
                           arguments, prune, fallback)
    folder = None
    if output is None:
        folder = tempfile.TemporaryDirectory(prefix="mopt-")
        output = os.path.join(folder.name, "model.so")
    output = os.fspath(output)
    invoke(model, output, options)
    return Library(output, folder)

"""Fixtures: models are written by onnx.helper and read by mopt-import-dump."""

import os
import re
import subprocess

import onnx
import pytest

TOOL = os.environ.get("MOPT_IMPORT_DUMP")


class Importer:
    def __init__(self, folder):
        self.folder = folder

    def save(self, model, name="model.onnx"):
        path = self.folder / name
        data = model if isinstance(model, bytes) else model.SerializeToString()
        path.write_bytes(data)
        return path

    def run(self, path, *options, timeout=60):
        return subprocess.run(
            [TOOL, *options, str(path)], capture_output=True, timeout=timeout
        )

    def __call__(self, model, *options):
        """The module's text."""
        result = self.run(self.save(model), *options)
        assert result.returncode == 0, result.stderr.decode()
        assert result.stderr == b""
        return result.stdout.decode()

    def many(self, models, *options):
        """The modules' texts, from one process."""
        models = list(models)
        paths = [self.save(m, f"model{i}.onnx") for i, m in enumerate(models)]
        result = subprocess.run([TOOL, *options, *map(str, paths)], capture_output=True, timeout=60)
        assert result.returncode == 0 and result.stderr == b"", result.stderr.decode()
        texts = re.split(r"^(?=module)", result.stdout.decode(), flags=re.MULTILINE)[1:]
        assert len(texts) == len(models)
        return texts

    def error(self, model, timeout=60):
        """The one error that a model gives."""
        path = model if isinstance(model, os.PathLike) else self.save(model)
        result = self.run(path, timeout=timeout)
        lines = result.stderr.decode(errors="replace").splitlines()
        assert result.returncode == 1, (result.returncode, lines)
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        return lines[0][len("error: ") :]


@pytest.fixture
def imported(tmp_path):
    if not TOOL:
        pytest.skip("MOPT_IMPORT_DUMP names no program")
    return Importer(tmp_path)


def resources(text):
    """Name to bytes of the blobs in a module printed with --full; without the
    four bytes of alignment that start each."""
    return {
        name.strip('"'): bytes.fromhex(data)[4:]
        for name, data in re.findall(r'(\S+): "0x([0-9A-F]+)"', text)
    }


F32 = onnx.TensorProto.FLOAT


def model(
    nodes,
    inputs=("x",),
    outputs=("y",),
    opsets=(("", 17),),
    functions=(),
    ir_version=10,
    **graph,
):
    """A model of float vectors; an input or output may be a ValueInfoProto."""
    info = lambda value: (
        onnx.helper.make_tensor_value_info(value, F32, ["n"])
        if isinstance(value, str)
        else value
    )
    return onnx.helper.make_model(
        onnx.helper.make_graph(
            list(nodes), "g", [info(i) for i in inputs], [info(o) for o in outputs], **graph
        ),
        opset_imports=[onnx.helper.make_opsetid(*o) for o in opsets],
        functions=list(functions),
        ir_version=ir_version,
    )

"""Real models compiled for AArch64, linked without any tool of that machine, answer under
qemu-aarch64 as ONNX Runtime does here."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from test_models import FOLDER, ROOT, catalogue, mopt, reference

CC, QEMU = "aarch64-linux-gnu-gcc", "qemu-aarch64"
MISSING = [tool for tool in (CC, QEMU) if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)}")

SOURCE = ROOT / "test" / "Python" / "raw_runner.c"
# The plainest row and one with more.
BASELINE, RICH = "armv8-a", "neoverse-n1"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Path and artefact of a model, by name, variant, target and extension."""
    folder, made = tmp_path_factory.mktemp("aarch64"), {}

    def get(name, variant, target, extension):
        key = f"{name}.{variant}.{target}"
        if (key, extension) not in made:
            model, = catalogue.select([name])
            subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, name],
                           check=True)
            path = model.file(variant, FOLDER)
            artefact = folder / key.replace("-", "_") / f"model.{extension}"
            artefact.parent.mkdir(exist_ok=True)
            mopt.compile(path, str(artefact), target=target)
            made[key, extension] = model, path, artefact
        return made[key, extension]

    return get


def build_runner(output, *more):
    subprocess.run([CC, "-std=gnu11", "-O1", "-Wall", "-Werror", f"-I{ROOT / 'include'}",
                    str(SOURCE), *map(str, more), "-o", str(output), "-ldl", "-lm", "-lpthread"],
                   check=True)
    return output


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    return build_runner(tmp_path_factory.mktemp("runner") / "raw_runner")


def run(runner, library, threads, inputs, expected, folder):
    """The outputs, in the reference's order, which is the model's."""
    arguments = []
    for number, array in enumerate(inputs.values()):
        file = folder / f"input.{number}"
        file.write_bytes(np.ascontiguousarray(array).tobytes())
        arguments.append(f"{file}:{'x'.join(map(str, array.shape))}")
    result = subprocess.run(
        [QEMU, "-L", "/usr/aarch64-linux-gnu", str(runner), str(library), str(threads),
         str(folder / "output"), *arguments],
        capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    outputs = []
    lines = result.stdout.split("\n")
    for number, value in enumerate(expected.exact):
        shape = [int(size) for size in lines[number].split("x")] if lines[number] else []
        outputs.append(np.frombuffer((folder / f"output.{number}").read_bytes(),
                                     np.asarray(value).dtype).reshape(shape))
    return outputs


def check(models_entry, runner, case, folder):
    model, path, library = models_entry
    inputs = model.inputs(case)
    expected = reference.run(path, inputs)
    one = run(runner, library, 1, inputs, expected, folder)
    bad = [difference.message for difference in reference.compare(
        one, expected, model.tolerance, model.argmax, model.argmax_axis)
        if not difference.agrees]
    assert not bad, f"at {case}: " + "; ".join(bad)
    two = run(runner, library, 2, inputs, expected, folder)
    for name, first, second in zip(expected.names, one, two):
        assert first.tobytes() == second.tobytes(), f"{name}: thread counts differ at {case}"


@pytest.mark.parametrize("name, variant, target", [
    ("silero_vad", "static", BASELINE), ("silero_vad", "dynamic", RICH),
    ("silero_vad_16k_op15", "static", RICH), ("silero_vad_16k_op15", "dynamic", BASELINE),
    ("lstm", "static", BASELINE), ("lstm", "dynamic", RICH),
    ("ppocr_cls", "static", BASELINE), ("ppocr_cls", "dynamic", BASELINE),
    ("mlp", "dynamic", RICH)])
def test_agrees_with_onnxruntime(models, runner, name, variant, target, tmp_path):
    entry = models(name, variant, target, "so")
    cases = entry[0].cases()
    for case in cases if variant == "dynamic" else cases[:1]:
        check(entry, runner, case, tmp_path)


def test_linked_statically(models, tmp_path):
    entry = models("silero_vad_16k_op15", "dynamic", BASELINE, "a")
    archive = entry[2]
    header, = archive.parent.glob("*.h")
    program = build_runner(tmp_path / "program", archive, f"-DMODEL=mopt_model_{header.stem}")
    check((entry[0], entry[1], archive), program, entry[0].cases()[1], tmp_path)

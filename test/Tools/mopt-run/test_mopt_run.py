"""mopt-run on a library whose model is written by hand (toy_model.c).

The build folder is MOPT_BUILD, by default `build` at the root of the tree.
"""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("MOPT_BUILD", ROOT / "build"))
TOY = BUILD / "test" / "Tools" / "mopt-run" / "toy_model.so"

X = np.array([[1, -2, 3], [0, 5, -6]], np.float32)
I = np.array([4, 7], np.int64)


def run(*arguments, model=TOY, code=0):
    done = subprocess.run([BUILD / "bin" / "mopt-run", *map(str, arguments), str(model)],
                          capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "i.npy", I)
    return tmp_path


def test_outputs_are_written(files):
    run(f"--input={files}/x.npy", f"--input={files}/i.npy", f"--output={files}/out")
    np.testing.assert_array_equal(np.load(files / "out/y.npy"), 2 * X)
    np.testing.assert_array_equal(np.load(files / "out/positive_indices.npy"), [0, 2, 4])
    assert np.load(files / "out/constant.npy").tobytes() == b"\xc0\x3f\x00\xc0"


def test_inputs_are_found_by_name(files):
    run("--input", f"i={files}/i.npy", "--input", f"x={files}/x.npy")
    for save in (np.savez, np.savez_compressed):
        save(files / "both.npz", i=I, x=X)
        run(f"--input={files}/both.npz")


@pytest.mark.parametrize("x", [np.asfortranarray(X), X.astype(">f4")])
def test_npy_orders(files, x):
    np.save(files / "x.npy", x)
    np.save(files / "y.npy", 2 * X)
    run(f"--input={files}/x.npy", f"--input={files}/i.npy", f"--verify=y={files}/y.npy")


def test_onnx_tensors(files):
    onnx = pytest.importorskip("onnx")
    tensors = {"input_0": onnx.numpy_helper.from_array(X, "x"),
               "input_1": onnx.helper.make_tensor("i", onnx.TensorProto.INT64, [2], I),
               "output_0": onnx.helper.make_tensor("y", onnx.TensorProto.FLOAT, [2, 3],
                                                   (2 * X).flatten()),
               "output_1": onnx.numpy_helper.from_array(np.array([0, 2, 4], np.int64)),
               "output_2": onnx.helper.make_tensor("constant", onnx.TensorProto.BFLOAT16, [2],
                                                   [1.5, -2])}
    for name, tensor in tensors.items():
        (files / f"{name}.pb").write_bytes(tensor.SerializeToString())
    report = json.loads(run(f"--input={files}", f"--verify={files}", "--json"))
    assert [check["passed"] for check in report["verify"]] == [True] * 3


def test_verify_fails(files):
    inputs = [f"--input={files}/x.npy", f"--input={files}/i.npy"]
    wrong = 2 * X
    wrong[1, 2] += 0.01
    np.save(files / "y.npy", wrong)
    assert "output 'y' differs" in run(*inputs, f"--verify={files}/y.npy", code=1)
    run(*inputs, f"--verify={files}/y.npy", "--tolerance=0.01")
    np.save(files / "y.npy", 2 * X[:1])
    run(*inputs, f"--verify=y={files}/y.npy", code=1)
    np.save(files / "p.npy", np.array([0, 2, 5], np.int64))
    run(*inputs, f"--verify=positive/indices={files}/p.npy", code=1)


def test_timing_report():
    report = json.loads(run("--random=3", "--dim=batch=50", "--shape=i:2", "--threads=2",
                            "--iterations=20", "--json"))
    assert report["iterations"] == 20
    assert report["inputs"][0] == {"name": "x", "type": "float32", "shape": [50, 3]}
    assert report["threads"] == 2
    latencies = [report[f"latency_ms_{name}"] for name in ("min", "p50", "p90", "p99", "max")]
    assert len(report["latencies_ms"]) == report["iterations"]
    assert latencies == sorted(latencies)


def test_random_is_reproducible(tmp_path):
    outputs = []
    for seed in (1, 1, 2):
        run(f"--random={seed}", "--shape=x:4x3", "--shape=i:0", "--range=x:5:6",
            f"--output={tmp_path}")
        outputs.append(np.load(tmp_path / "y.npy"))
    assert (outputs[0] == outputs[1]).all() and (outputs[0] != outputs[2]).any()
    assert outputs[0].min() >= 10 and outputs[0].max() < 12


def test_info():
    assert "input 'x': float32 batchx3" in run("--info")
    info = json.loads(run("--info", "--json", "--entry=toy"))
    assert info["outputs"][1]["shape"] == [None]
    assert info["build_info"] == {"tool": "hand"}


def test_reports_go_to_files(tmp_path):
    path = tmp_path / "report.json"
    assert run("--random", "--shape=x:0x3", "--shape=i:1", f"--json={path}", "-q") == ""
    assert json.loads(path.read_text())["outputs"][0]["shape"] == [0, 3]


@pytest.mark.parametrize("arguments, message", [
    (["--random", "--shape=x:2x4", "--shape=i:1"], "expected 3 in dimension 1, found 4"),
    (["--random", "--shape=i:1"], "dimension 0 ('batch') is dynamic"),
    (["--shape=x:1x3"], "input 'x': expected a file, found none"),
    (["--random", "--shape=z:1"], "no input 'z'"),
    (["--random", "--dim=k=1"], "dimension 'k'"),
    (["--random", "--shape=x:1x3", "--shape=i:99999999999999x9999999999"], "2^40 bytes"),
    (["--random", "--shape=x:1x3", "--shape=i:3", "--range=i:-9:-1"], "an index is below 0"),
    (["--input=x=/no/such.npy"], "No such file"),
    (["--entry=other"], "'mopt_model_other'"),
])
def test_bad_input(arguments, message):
    assert message in run(*arguments, code=1)


@pytest.mark.parametrize("content, suffix", [
    (b"", "npy"), (b"\x93NUMPY\x01\x00\xff\xff{", "npy"), (b"PK\x05\x06" + bytes(18), "npy"),
    (b"\x93NUMPY\x01\x00\x40\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9,9), }"
     + b" " * 8, "npy"),
    (b"PK\x05\x06" + b"\xff" * 18, "npz"), (b"", "npz"), (b"\xff\xff", "pb"), (b"\x0a\xff", "pb"),
    (b"\x08\x07\x10\x01", "pb"),
])
def test_damaged_files(tmp_path, content, suffix):
    path = tmp_path / f"bad.{suffix}"
    path.write_bytes(content)
    run(f"--input=x={path}", code=1)


def test_not_a_library(tmp_path):
    path = tmp_path / "broken.so"
    path.write_bytes(b"\x7fELFrubbish")
    run(model=path, code=1)
    run(model=tmp_path / "missing.so", code=1)


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--threads=0"], ["--iterations", "x"],
                                       ["--shape=x"], ["--range=x:2:1"], ["--info=3"], ["second"]])
def test_usage(arguments):
    assert "see mopt-run --help" in run(*arguments, code=2)


def test_help_fits_a_screen():
    text = run("--help")
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("\n") <= 50
    assert "ABI" in run("--version")


def test_library_shows_and_needs_nothing_else():
    symbols = subprocess.run(["nm", "-D", "--defined-only", TOY], capture_output=True, text=True)
    names = {line.split()[-1] for line in symbols.stdout.splitlines()}
    assert names == {"mopt_model", "mopt_model_toy"}
    needed = subprocess.run(["ldd", TOY], capture_output=True, text=True).stdout
    assert not [line for line in needed.splitlines()
                if not any(name in line for name in ("libc.so", "libm.so", "ld-linux", "vdso"))]

"""InferenceSession over a hand-written library: types, shapes, memory, errors, threads."""

import gc
import os
import pathlib
import shutil
import subprocess
import threading

import ml_dtypes
import mopt
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    compiler = next((shutil.which(name) for name in ("clang-22", "clang", "cc")
                     if shutil.which(name)), None)
    path = tmp_path_factory.mktemp("fixture") / "fixture.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-I", ROOT / "include", "-o", path,
                    pathlib.Path(__file__).with_name("fixture_model.c")], check=True)
    return str(path)


def feed(n):
    return {"x": np.arange(n, dtype=np.float32), "p": np.arange(n).astype(ml_dtypes.int4)}


def test_specifications(library):
    session = mopt.InferenceSession(library, threads=2)
    assert [(v.name, v.shape, v.type) for v in session.get_inputs()] == [
        ("x", ["n"], "tensor(float)"), ("p", ["n"], "tensor(int4)")]
    assert [(v.name, v.shape, v.type) for v in session.get_outputs()] == [
        ("y", ["n"], "tensor(float)"), ("q", ["n"], "tensor(int4)"), ("i", [None], "tensor(int64)")]
    assert session.build_info == {"tool": "none"}


@pytest.mark.parametrize("n", [0, 1, 5, 8])
def test_values_of_any_size(library, n):
    session = mopt.InferenceSession(library)
    y, q, i = session.run(None, feed(n))
    np.testing.assert_array_equal(y, np.arange(n, dtype=np.float32) + 1)
    assert q.dtype == ml_dtypes.int4
    np.testing.assert_array_equal(q.astype(int), feed(n)["p"].astype(int))
    np.testing.assert_array_equal(i, np.arange(1, max(n, 1)))


def test_outputs_outlive_the_next_run_and_the_session(library):
    session = mopt.InferenceSession(library)
    first = session.run(None, feed(4))
    session.run(None, feed(9))
    session.close()
    del session
    gc.collect()
    np.testing.assert_array_equal(first[0], [1, 2, 3, 4])
    np.testing.assert_array_equal(first[2], [1, 2, 3])


def test_outputs_by_name(library):
    session = mopt.InferenceSession(library)
    i, y = session.run(["i", "y"], feed(3))
    assert i.tolist() == [1, 2] and y.tolist() == [1, 2, 3]


def test_anything_with_dlpack_and_any_layout(library):
    class Capsule:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    session = mopt.InferenceSession(library)
    values = feed(6)
    values["x"] = Capsule(np.arange(6, dtype=np.float32))
    assert session.run(["y"], values)[0].tolist() == [1, 2, 3, 4, 5, 6]
    values["x"] = np.arange(12, dtype=np.float32)[::2]
    assert session.run(["y"], values)[0].tolist() == [1, 3, 5, 7, 9, 11]
    values["x"] = np.arange(6, dtype=">f4")
    assert session.run(["y"], values)[0].tolist() == [1, 2, 3, 4, 5, 6]


def test_errors_say_what_was_expected(library):
    session = mopt.InferenceSession(library)
    with pytest.raises(ValueError, match="input 'p' is missing"):
        session.run(None, {"x": np.zeros(2, np.float32)})
    with pytest.raises(ValueError, match="no input is called 'z'"):
        session.run(None, dict(feed(2), z=np.zeros(2)))
    with pytest.raises(ValueError, match="no output is called 'w'"):
        session.run(["w"], feed(2))
    with pytest.raises(TypeError, match="input 'x': expected element type float32, found float64"):
        session.run(None, dict(feed(2), x=np.zeros(2)))
    with pytest.raises(mopt.RunError, match="expected equal sizes") as caught:
        session.run(None, dict(feed(2), x=np.zeros(3, np.float32)))
    assert caught.value.status == "MOPT_INVALID_SHAPE"
    with pytest.raises(mopt.RunError, match="too many threads"):
        mopt.InferenceSession(library, threads=65)
    with pytest.raises(TypeError, match="compiled already"):
        mopt.InferenceSession(library, target="x86-64-v3")
    with pytest.raises(OSError):
        mopt.InferenceSession(os.path.join(os.path.dirname(library), "none.so"))


def test_one_session_many_threads(library):
    session = mopt.InferenceSession(library)
    failures = []

    def work(n):
        for _ in range(200):
            y, _, i = session.run(None, feed(n))
            if y.tolist() != [v + 1 for v in range(n)] or i.size != n - 1:
                failures.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (3, 5, 8, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures

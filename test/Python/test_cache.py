"""MOPT_CACHE_DIR: a model is compiled once for a content, options and compiler."""

import os
import shutil
import threading

import mopt
import numpy as np
import onnx
import pytest
from mopt import _compile
from onnx import TensorProto, helper, numpy_helper


def save(path, scale, external=None):
    weights = numpy_helper.from_array(np.full((4,), scale, np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])], "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if external:
        onnx.save(model, path, save_as_external_data=True, location=external, size_threshold=0)
    else:
        onnx.save(model, path)
    return model


@pytest.fixture
def compilations(tmp_path, monkeypatch):
    """How often the compiler ran, with a cache."""
    monkeypatch.setenv("MOPT_CACHE_DIR", str(tmp_path / "cache"))
    calls, invoke = [], _compile.invoke
    monkeypatch.setattr(_compile, "invoke", lambda *a, **k: (calls.append(a), invoke(*a, **k))[1])
    return calls


def answer(model, **options):
    session = mopt.InferenceSession(model, threads=1, **options)
    return session.run(None, {"x": np.ones((1, 4), np.float32)})[0][0, 0]


def test_equal_content_is_compiled_once(compilations, tmp_path):
    path = tmp_path / "model.onnx"
    model = save(path, 2)
    assert answer(path) == 2 and answer(path) == 2 and len(compilations) == 1
    # The same bytes elsewhere, and in memory under the same name.
    os.mkdir(tmp_path / "other")
    shutil.copy(path, tmp_path / "other" / "model.onnx")
    assert answer(str(tmp_path / "other" / "model.onnx")) == 2 and len(compilations) == 1
    assert answer(path.read_bytes()) == 2 and len(compilations) == 1
    assert answer(model) == 2
    assert not [name for name in os.listdir(tmp_path / "cache") if name.startswith("tmp-")]


def test_what_differs_is_compiled(compilations, tmp_path):
    path = tmp_path / "model.onnx"
    save(path, 2)
    assert answer(path) == 2
    assert answer(path, dims={"n": 1}) == 2 and len(compilations) == 2
    assert answer(path, opt_level=1) == 2 and len(compilations) == 3
    save(path, 3)
    assert answer(path) == 3 and len(compilations) == 4
    assert answer(path, opt_level=1) == 3 and len(compilations) == 5


def test_external_weights_count(compilations, tmp_path):
    path = tmp_path / "model.onnx"
    save(path, 2, "my $weights #1")
    assert answer(path) == 2 and answer(path) == 2 and len(compilations) == 1
    before = path.read_bytes()
    (tmp_path / "my $weights #1").write_bytes(np.full(4, 5, np.float32).tobytes())
    assert path.read_bytes() == before
    assert answer(path) == 5 and len(compilations) == 2
    (tmp_path / "my $weights #1").write_bytes(np.full(4, 2, np.float32).tobytes())
    assert answer(path) == 2 and len(compilations) == 2


def test_another_compiler_compiles_again(compilations, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    save(path, 2)
    assert answer(path) == 2
    monkeypatch.setattr(_compile, "version", lambda: "mopt 99")
    assert answer(path) == 2 and len(compilations) == 2


def test_weights_of_their_own_file_are_kept(compilations, tmp_path):
    path = tmp_path / "model.onnx"
    save(path, 7)
    for _ in range(2):
        assert answer(path, arguments=["--weights=file"]) == 7
    assert len(compilations) == 1


def test_threads_share_a_cache(compilations, tmp_path):
    path = tmp_path / "model.onnx"
    save(path, 4)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(answer(path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [4] * 4


def test_errors_are_not_kept(compilations, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    for _ in range(2):
        with pytest.raises(mopt.CompileError):
            mopt.InferenceSession(path)
    assert len(compilations) == 2

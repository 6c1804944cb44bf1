"""Products in matrix registers, on a processor with AMX or under the emulator whose
command MOPT_AVX512_RUNNER holds: bytes are exact, bf16 as near as it can be; sizes that
no register divides, and rows that only run time knows."""

import os
import pathlib
import shlex
import subprocess

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import mopt
from mopt import _compile
from test_integers import build, draw
from test_sparsity import compile_sparse, save_bytes, skip_without_expansion

FLAGS = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
IS_NATIVE = {"amx_int8", "amx_bf16"} <= set(FLAGS)
RUNNER = [] if IS_NATIVE else shlex.split(os.environ.get("MOPT_AVX512_RUNNER", ""))
pytestmark = pytest.mark.skipif(
    not IS_NATIVE and not RUNNER,
    reason="needs a processor with AMX, or an emulator in MOPT_AVX512_RUNNER")


def compile_model(model, folder, *options):
    """The library, and whether a micro-kernel of matrix registers computes it."""
    onnx.save(model, folder / "model.onnx")
    done = subprocess.run(
        [_compile.tool("mopt-compile"), folder / "model.onnx", "-o", folder / "model.so",
         "--target=sapphirerapids", "-v", *options], check=True, capture_output=True, text=True)
    return folder / "model.so", "micro-kernel 'amx" in done.stderr


def run(library, fed, folder, threads=1):
    np.savez(folder / "in.npz", **fed)
    subprocess.run([*RUNNER, _compile.tool("mopt-run"), f"--input={folder}/in.npz",
                    f"--output={folder}/out", f"--threads={threads}", library],
                   check=True, timeout=300)
    return np.load(folder / "out" / "y.npy")


@pytest.mark.parametrize("m, n, k", [(33, 40, 64), (17, 131, 128), (5, 48, 60), (65, 100, 36)])
def test_bytes(tmp_path, m, n, k):
    random = np.random.default_rng(m * n + k)
    inputs = {"a": draw(random, np.uint8, (m, k)), "b": draw(random, np.int8, (k, n))}
    model = build("MatMulInteger", inputs, ["a", "b"], ["b"], {}, dynamic=False)
    library, in_matrices = compile_model(model, tmp_path)
    assert in_matrices
    found = run(library, {"a": inputs["a"]}, tmp_path, threads=2)
    np.testing.assert_array_equal(found, inputs["a"].astype(np.int32) @ inputs["b"].astype(np.int32))


@pytest.fixture(scope="module", name="expands")
def emulator_that_expands(tmp_path_factory):
    if not IS_NATIVE:
        skip_without_expansion(tmp_path_factory)


# Depths of half registers, of several parts and a shorter one; two pieces of rows that share
# one, several calls; a last block of columns with one vector, with two, and a whole one.
@pytest.mark.usefixtures("expands")
@pytest.mark.parametrize("pattern", ["2:4", "1:4", "4:8", "2:16", "20:64"])
@pytest.mark.parametrize("rows, depth, width", [
    (5, 96, 83), (16, 64, 64), (17, 160, 70), (40, 1120, 131), (33, 224, 1030), (130, 32, 17)],
    ids=str)
def test_sparse_bytes(tmp_path, pattern, rows, depth, width):
    model, feeds, expected = save_bytes(tmp_path, depth, width, rows, pattern)
    library, said = compile_sparse(model, tmp_path, "sapphirerapids")
    assert "'amx-u8s8-expand'" in said or depth < int(pattern.split(":")[1])
    for threads in (1, 2):
        np.testing.assert_allclose(run(library, feeds, tmp_path, threads), expected,
                                   rtol=1e-5, atol=1e-4)


@pytest.mark.usefixtures("expands")
def test_sparse_bytes_that_become_bytes(tmp_path):
    """The bits of dense weights, behind a bias, a residual sum and a quantization."""
    path, feeds, _ = save_bytes(tmp_path, 96, 83, 21, "2:4")
    model, random = onnx.load(path), np.random.default_rng(7)
    y = model.graph.output.pop()
    constants = {"ys": np.float32(0.3), "yz": np.uint8(128),
                 "z": random.normal(size=(21, 83)).astype(np.float32) * 9}
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items())
    model.graph.node[-1].output[0] = "sum"
    model.graph.node.extend(
        onnx.helper.make_node(operator, inputs, outputs) for operator, inputs, outputs in (
            ("Add", ["sum", "z"], ["r"]), ("Relu", ["r"], ["p"]),
            ("QuantizeLinear", ["p", "ys", "yz"], ["y"])))
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("y", onnx.TensorProto.UINT8, [21, 83]))
    onnx.save(model, path)
    assert y.name == "y"
    library, said = compile_sparse(path, tmp_path, "sapphirerapids")
    assert "'amx-u8s8-expand'" in said
    found = run(library, feeds, tmp_path, threads=2)
    dense, in_matrices = compile_model(model, tmp_path, "--sparsity=off")
    assert in_matrices
    np.testing.assert_array_equal(found, run(dense, feeds, tmp_path))
    assert len(np.unique(found)) > 50


def test_dynamic_rows(tmp_path):
    random = np.random.default_rng(4)
    inputs = {"a": draw(random, np.uint8, (1, 32)), "b": draw(random, np.int8, (32, 70))}
    model = build("MatMulInteger", inputs, ["a", "b"], ["b"], {}, dynamic=True)
    library, in_matrices = compile_model(model, tmp_path)
    assert in_matrices
    for rows in (0, 1, 16, 17, 47, 70):
        a = draw(random, np.uint8, (rows, 32))
        np.testing.assert_array_equal(run(library, {"a": a}, tmp_path),
                                      a.astype(np.int32) @ inputs["b"].astype(np.int32))


@pytest.mark.parametrize("image, filters, attributes", [
    ((1, 16, 14, 14), (32, 16, 3, 3), {"pads": [1, 1, 1, 1]}),
    ((2, 3, 17, 19), (24, 3, 7, 7), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
    ((1, 64, 9, 20), (40, 32, 3, 3), {"group": 2}),
    ((1, 32, 70), (20, 32, 3), {"dilations": [2]})], ids=["padded", "strided", "groups", "dilated"])
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_convolutions_of_bytes(tmp_path, image, filters, attributes, dynamic):
    random = np.random.default_rng(sum(image))
    inputs = {"x": draw(random, np.uint8, image), "w": draw(random, np.int8, filters)}
    model = build("ConvInteger", inputs, ["x", "w"], ["w"], attributes, dynamic)
    library, in_matrices = compile_model(model, tmp_path)
    assert in_matrices
    wanted = ReferenceEvaluator(model).run(None, {"x": inputs["x"]})[0]
    np.testing.assert_array_equal(run(library, {"x": inputs["x"]}, tmp_path), wanted)


HALVES = {
    "dense": ("float[40,64] x", "float[40,50] y", {"w": (64, 96), "b": (96,), "v": (96, 50)},
              "h = MatMul(x, w)  s = Add(h, b)  r = Relu(s)  y = MatMul(r, v)"),
    "conv": ("float[1,3,19,21] x", "float[1,32,10,11] y",
             {"w": (32, 3, 7, 7), "b": (32,), "v": (32, 32, 3, 3)},
             "h = Conv<pads=[3,3,3,3], strides=[2,2]>(x, w, b)  r = Relu(h) "
             "c = Conv<pads=[1,1,1,1]>(r, v)  y = Add(c, r)"),
    "attention": ("float[1,2,40,32] x", "float[1,2,40,32] y", {},
                  "t = Transpose<perm=[0,1,3,2]>(x)  s = MatMul(x, t) "
                  "p = Softmax<axis=-1>(s)  y = MatMul(p, x)"),
    # Depths and widths of no register, threads that pack, and one block as it is.
    "odd": ("float[2,5,65,32] x", "float[2,5,65,32] y", {},
            "t = Transpose<perm=[0,1,3,2]>(x)  s = MatMul(x, t) "
            "p = Softmax<axis=-1>(s)  y = MatMul(p, x)"),
}


@pytest.mark.parametrize("name", HALVES)
def test_bf16(tmp_path, name):
    source, result, weights, body = HALVES[name]
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> {name} ({source}) => ({result}) {{ {body} }}')
    random = np.random.default_rng(5)
    for weight, shape in weights.items():
        values = random.uniform(-1, 1, shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, weight))
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = random.uniform(-1, 1, shape).astype(np.float32)
    library, in_matrices = compile_model(model, tmp_path, "--precision=bf16")
    assert in_matrices
    wanted = ReferenceEvaluator(model).run(None, {"x": x})[0]
    # Eight bits of significance; errors of sums of both sides' rounding.
    for threads in (1, 2):
        np.testing.assert_allclose(run(library, {"x": x}, tmp_path, threads), wanted,
                                   rtol=0, atol=2 ** -7 * np.max(np.abs(wanted)))


@pytest.mark.skipif(IS_NATIVE, reason="this processor has AMX")
def test_a_processor_without_is_an_error(tmp_path):
    inputs = {"a": np.zeros((32, 32), np.uint8), "b": np.zeros((32, 32), np.int8)}
    model = build("MatMulInteger", inputs, ["a", "b"], ["b"], {}, dynamic=False)
    library = mopt.compile(model, target="sapphirerapids")
    with pytest.raises(Exception, match="needs .*amx-int8.*, which this processor lacks"):
        mopt.InferenceSession(library)

"""Products with sparse weights, N:M and without a pattern, against dense ones in numpy, on sizes that fill no vector,
block or group; what the certificate says; what a wrong pattern is told."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import mopt

FLAGS = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
NATIVE = [name for name, flag in {"x86-64-v2": "sse4_2", "x86-64-v3": "avx2",
                                  "x86-64-v4": "avx512vl"}.items() if flag in FLAGS]
# The command of an emulator, for what this processor lacks.
RUNNER = shlex.split(os.environ.get("MOPT_AVX512_RUNNER", ""))
TARGETS = NATIVE + (["x86-64-v4"] if RUNNER and "x86-64-v4" not in NATIVE else [])
PATTERNS = ["1:2", "2:4", "1:4", "4:8", "2:8", "4:16"]
BIN = pathlib.Path(os.environ["MOPT_BIN_DIR"])
RNG = np.random.default_rng(5)


def sparse(depth, width, pattern):
    """Each group keeps at most N, at random; some keep fewer. Column 0 keeps the first N of each
    group, so that no sparser pattern fits."""
    kept, group = (int(x) for x in pattern.split(":"))
    weights = RNG.standard_normal((depth, width)).astype(np.float32)
    for k in range(0, depth, group):
        size = min(group, depth - k)
        for n in range(width):
            count = min(size, RNG.integers(max(kept - 1, 0), kept + 1))
            order = RNG.permutation(size)
            weights[k + (np.arange(size)[kept:] if n == 0 else order[count:]), n] = 0
    return weights


def save(folder, weights, shape, transposed=False, name="m.onnx"):
    """relu(x @ w + bias) + residual."""
    depth, width = weights.shape
    arrays = {"w": weights.T.copy() if transposed else weights,
              "bias": RNG.standard_normal(width).astype(np.float32)}
    if transposed:
        nodes = [helper.make_node("Gemm", ["x", "w", "bias"], ["s"], transB=1, name="layer")]
    else:
        nodes = [helper.make_node("MatMul", ["x", "w"], ["m"], name="layer"),
                 helper.make_node("Add", ["m", "bias"], ["s"])]
    nodes += [helper.make_node("Relu", ["s"], ["r"]), helper.make_node("Add", ["r", "z"], ["y"])]
    out = [*shape, width]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [*shape, depth]),
                     helper.make_tensor_value_info("z", TensorProto.FLOAT, out)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / name
    path.write_bytes(model.SerializeToString())
    sizes = [int(size) if isinstance(size, int) else 3 for size in shape]
    x = RNG.standard_normal((*sizes, depth)).astype(np.float32)
    z = RNG.standard_normal((*sizes, width)).astype(np.float32)
    expected = np.maximum(x.astype(np.float64) @ weights + arrays["bias"], 0) + z
    return path, {"x": x, "z": z}, expected


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def compile_sparse(model, folder, target):
    """Sparse wherever the target has a micro-kernel, whatever it gains."""
    legal, marked, library = folder / "legal.mlir", folder / "marked.mlir", folder / "m.so"
    run(BIN / "mopt-compile", model, f"--target={target}", "--emit=legal", "-o", legal)
    run(BIN / "mopt-opt", legal, "--pass-pipeline=builtin.module(func.func("
        "mopt-select-sparsity{sparse=always}))", "-o", marked)
    said = run(BIN / "mopt-compile", marked, f"--target={target}", "-v", "-o", library)
    return library, said


def execute(library, feeds, target, folder):
    arguments = []
    for name, array in feeds.items():
        np.save(folder / f"{name}.npy", array)
        arguments.append(f"--input={name}={folder}/{name}.npy")
    runner = [] if target in NATIVE else RUNNER
    run(*runner, BIN / "mopt-run", *arguments, f"--output={folder}/out", library)
    return np.load(folder / "out" / "y.npy")


def check_kernel(said, packed):
    assert any(f"-{name}'" in said for name in ("expand", "permute", "transposed")) == packed, said


# Rows that are one, few, a block, and more with a rest; the last vectors, blocks and groups are
# never full ones in the first sizes, always in the third, and there is less than one in the fourth.
# The last ones are cut into tiles for threads.
ODD = [((1,), 149, 83), ((131,), 149, 83)]
SIZES = ODD + [((1,), 128, 256), ((1,), 17, 3), ((2,), 149, 83), ((1, 4), 131, 130),
               ((3,), 149, 83), ((5,), 149, 83), ((12,), 131, 70), ((27,), 300, 83), ((63,), 149, 83),
         ((64,), 128, 128), ((5, 16), 17, 3), ((2,), 700, 1030), ((128,), 300, 530)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("pattern, shape, depth, width", [
    (pattern, *size) for pattern in PATTERNS for size in (SIZES if pattern == "2:4" else ODD)],
    ids=str)
def test_products(tmp_path, pattern, shape, depth, width, target):
    transposed = len(shape) == 1 and width == 83
    model, feeds, expected = save(tmp_path, sparse(depth, width, pattern), shape, transposed)
    library, said = compile_sparse(model, tmp_path, target)
    check_kernel(said, target != "x86-64-v2")
    np.testing.assert_allclose(execute(library, feeds, target, tmp_path), expected,
                               rtol=1e-4, atol=1e-4)


def unstructured(depth, width, share, block):
    """A share of zeros in blocks of neighbours along the depth, with columns of zeros and full ones,
    and a group of 8 that is full, so that no pattern fits."""
    kept = RNG.random((-(-depth // block), width)) >= share
    kept = np.repeat(kept, block, axis=0)[:depth]
    kept[:, 1::7] = False
    kept[:, 5::29] = True
    kept[:8, 0] = True
    return np.where(kept, RNG.standard_normal((depth, width)), 0).astype(np.float32)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("share, block", [(0.7, 1), (0.95, 1), (0.65, 4)], ids=str)
@pytest.mark.parametrize("rows, depth, width", [
    (1, 149, 83), (1, 4096, 24), (1, 4231, 83), (2, 67, 83), (3, 65, 30), (4, 128, 256),
    (4, 1100, 83), (5, 149, 83), (9, 700, 130), (17, 300, 30), (40, 150, 70), (63, 67, 83),
    (64, 64, 64), (65, 149, 83), (130, 200, 130), (1, 149, 72), (2, 65, 68), (128, 65, 80)], ids=str)
def test_zeros_without_a_pattern(tmp_path, rows, depth, width, share, block, target):
    weights = unstructured(depth, width, share, block)
    model, feeds, expected = save(tmp_path, weights, (rows,), width == 83)
    library, said = compile_sparse(model, tmp_path, target)
    check_kernel(said, target != "x86-64-v2")
    np.testing.assert_allclose(execute(library, feeds, target, tmp_path), expected,
                               rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("depth", [1, 2, 3, 7, 8, 31, 63])
def test_depth_of_less_than_a_group(tmp_path, depth):
    """Too little to be found."""
    weights = unstructured(depth, 40, 0.8, 1)
    weights[:, 0] = 1
    model, feeds, expected = save(tmp_path, weights, (1,))
    session = mopt.InferenceSession(mopt.compile(model))
    assert "sparsity" not in session.build_info or session.build_info["sparsity"] == []
    np.testing.assert_allclose(session.run(None, feeds)[0], expected, rtol=1e-4, atol=1e-4)


def test_certificate_of_unstructured(tmp_path):
    weights = unstructured(512, 512, 0.9, 1)
    for rows in (5, 128):
        model, feeds, expected = save(tmp_path, weights, (rows,))
        session = mopt.InferenceSession(mopt.compile(model, target=NATIVE[-1]))
        layer, = session.build_info["sparsity"]
        zeros = 100 * int((weights == 0).sum()) // weights.size
        assert layer["pattern"] == f"64:64 (unstructured, {zeros}% zeros)"
        wins = rows == 128 and NATIVE[-1] != "x86-64-v2"
        assert layer["arithmetic"] == ("sparse" if wins else "dense")
        np.testing.assert_allclose(session.run(None, feeds)[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", [1, 9])
def test_pointwise_convolutions(tmp_path, size, target):
    weights = sparse(37, 21, "2:4")
    bias = RNG.standard_normal(21).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["s"], name="layer"),
             helper.make_node("Relu", ["s"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 37, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 21, size, size])],
        [numpy_helper.from_array(weights.T.reshape(21, 37, 1, 1).copy(), "w"),
         numpy_helper.from_array(bias, "b")])
    model = tmp_path / "m.onnx"
    model.write_bytes(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    library, said = compile_sparse(model, tmp_path, target)
    check_kernel(said, target != "x86-64-v2")
    x = RNG.standard_normal((1, 37, size, size)).astype(np.float32)
    expected = np.maximum(np.einsum("nchw,co->nohw", x.astype(np.float64), weights)
                          + bias[:, None, None], 0)
    np.testing.assert_allclose(execute(library, {"x": x}, target, tmp_path), expected,
                               rtol=1e-4, atol=1e-4)


def test_rows_that_run_time_knows_are_dense(tmp_path):
    model, feeds, expected = save(tmp_path, sparse(40, 24, "2:4"), ("rows",))
    library, said = compile_sparse(model, tmp_path, NATIVE[-1])
    assert "transposed'" not in said
    found = mopt.InferenceSession(library).run(None, feeds)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pattern", ["2:4", "1:4"])
def test_certificate(tmp_path, pattern):
    """Large weights stay sparse, small ones do not."""
    target = NATIVE[-1]
    layers = {}
    for depth in (8, 2048):
        model, feeds, expected = save(tmp_path, sparse(depth, 1024, pattern), (1,))
        library = tmp_path / "m.so"
        mopt.compile(model, library, target=target)
        layers[depth] = mopt.InferenceSession(library).build_info["sparsity"]
        found = mopt.InferenceSession(library).run(None, feeds)[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    wins = "sparse" if target != "x86-64-v2" else "dense"
    assert layers == {8: [{"layer": "layer (MatMul)", "pattern": pattern, "arithmetic": "dense"}],
                      2048: [{"layer": "layer (MatMul)", "pattern": pattern, "arithmetic": wins}]}


def test_report_says_why(tmp_path):
    model, _, _ = save(tmp_path, sparse(8, 16, "2:4"), (5,))
    mopt.compile(model, tmp_path / "m.so", arguments=[f"--report={tmp_path}/r.json"])
    said = [d["message"] for d in json.loads((tmp_path / "r.json").read_text())["diagnostics"]]
    assert any(line.startswith("computed with dense weights of pattern 2:4") for line in said)


def test_pruning(tmp_path):
    weights = RNG.standard_normal((66, 9)).astype(np.float32)
    model, feeds, _ = save(tmp_path, weights, (2,))
    pruned = weights.copy()
    for k in range(0, 66, 4):
        for n in range(9):
            small = np.argsort(-np.abs(weights[k:k + 4, n]))[2:]
            pruned[k + small, n] = 0
    bias = mopt.InferenceSession(mopt.compile(model)).run(
        None, {"x": np.zeros_like(feeds["x"]), "z": np.zeros_like(feeds["z"])})[0]
    found = mopt.InferenceSession(mopt.compile(model, prune="2:4")).run(None, feeds)[0]
    reference = mopt.InferenceSession(mopt.compile(
        model, prune="2:4", arguments=["--pipeline=reference"])).run(None, feeds)[0]
    np.testing.assert_allclose(found, reference, rtol=1e-4, atol=1e-4)
    dense = mopt.InferenceSession(mopt.compile(model)).run(None, feeds)[0]
    assert np.abs(found - dense).max() > 0.1
    # Where relu is the identity for both the bias and the sum, the product is seen.
    product = feeds["x"].astype(np.float64) @ pruned
    sums = found - feeds["z"]
    seen = (sums > 0) & (bias > 0)
    assert seen.any()
    np.testing.assert_allclose(sums[seen], (product + bias)[seen], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pattern", ["unstructured:0.7", "unstructured:0.25:magnitude"])
def test_pruning_of_a_share(tmp_path, pattern):
    """The compiler's zeros are those of mopt.prune without data."""
    model, feeds, _ = save(tmp_path, RNG.standard_normal((67, 31)).astype(np.float32), (2,))
    mopt.prune(model, output=tmp_path / "pruned.onnx",
               pattern=pattern.removesuffix(":magnitude"))
    expected = mopt.InferenceSession(mopt.compile(tmp_path / "pruned.onnx")).run(None, feeds)[0]
    found = mopt.InferenceSession(mopt.compile(model, prune=pattern)).run(None, feeds)[0]
    dense = mopt.InferenceSession(mopt.compile(model)).run(None, feeds)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(found - dense).max() > 0.1


def test_pattern_that_weights_lack(tmp_path):
    model, _, _ = save(tmp_path, np.ones((8, 4), np.float32), (1,))
    with pytest.raises(mopt.CompileError) as error:
        mopt.compile(model, sparsity="2:4")
    assert error.value.exit_code == 1
    message = error.value.diagnostics[0]
    assert message.node == "layer"
    assert "at most 2 of 4 neighbours along the depth" in message.message


def test_pattern_with_a_rest(tmp_path):
    model, _, _ = save(tmp_path, sparse(37, 6, "2:4"), (1,))
    mopt.compile(model, tmp_path / "m.so", sparsity="2:4")


BYTE_TARGET = "icelake-server"
HAS_BYTES = {"avx512_vnni", "avx512_vbmi2"} <= set(FLAGS)

# Some emulators put the bytes of an expanding load whose mask has bits beyond 32 elsewhere.
EXPANDS_BYTES = r"""
#include <immintrin.h>
int main(void) {
  char bytes[64], result[64];
  volatile unsigned long long mask = 0x9249249249249249;
  for (int i = 0; i < 64; ++i)
    bytes[i] = i + 1;
  _mm512_storeu_si512(result, _mm512_maskz_expandloadu_epi8(mask, bytes));
  int next = 0, wrong = 0;
  for (int i = 0; i < 64; ++i)
    wrong += result[i] != (mask >> i & 1 ? bytes[next++] : 0);
  return wrong != 0;
}
"""


@pytest.fixture(scope="module", name="byte_runner")
def runner_of_bytes(tmp_path_factory):
    """The words before a command of BYTE_TARGET's instructions."""
    if HAS_BYTES:
        return []
    if not RUNNER:
        pytest.skip("needs AVX-512 VNNI and VBMI2, or MOPT_AVX512_RUNNER")
    skip_without_expansion(tmp_path_factory)
    return RUNNER


def skip_without_expansion(tmp_path_factory):
    """Skips the tests of an emulator that expands bytes to wrong places."""
    compiler = shutil.which("clang-22") or shutil.which("clang")
    if not compiler:
        pytest.skip("needs clang to see whether the emulator expands bytes")
    folder = tmp_path_factory.mktemp("expands")
    (folder / "probe.c").write_text(EXPANDS_BYTES, encoding="utf-8")
    run(compiler, "-O1", "-mavx512f", "-mavx512bw", "-mavx512vbmi2", folder / "probe.c",
        "-o", folder / "probe")
    if subprocess.run([*RUNNER, folder / "probe"], check=False, timeout=300).returncode != 0:
        pytest.skip("the emulator expands bytes to wrong places")


def save_bytes(folder, depth, width, rows, pattern, most=127):
    """x quantized, times weights of i8, whose scales differ by column, plus a bias. Some values
    of x are the largest, so that sums of two products are."""
    kept, group = (int(x) for x in pattern.split(":"))
    weights = RNG.integers(1, most + 1, (depth, width)) * RNG.choice([-1, 1], (depth, width))
    for k in range(0, depth, group):
        size = min(group, depth - k)
        for n in range(width):
            # No sparser pattern fits column 0.
            weights[k + (np.arange(size) if n == 0 else RNG.permutation(size))[kept:], n] = 0
    arrays = {"w": weights.astype(np.int8), "wz": np.zeros(width, np.int8),
              "ws": RNG.uniform(0.01, 0.02, width).astype(np.float32),
              "xs": np.float32(0.02), "xz": np.uint8(120),
              "bias": RNG.standard_normal(width).astype(np.float32)}
    nodes = [helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["q"]),
             helper.make_node("DequantizeLinear", ["q", "xs", "xz"], ["xd"]),
             helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=1),
             helper.make_node("MatMul", ["xd", "wd"], ["m"], name="layer"),
             helper.make_node("Add", ["m", "bias"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, depth])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, width])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()])
    path = folder / "m.onnx"
    path.write_bytes(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    x = RNG.standard_normal((rows, depth)).astype(np.float32)
    x[RNG.random(x.shape) < 0.3] = 9
    q = np.clip(np.round(x / np.float32(0.02)) + 120, 0, 255) - 120
    return path, {"x": x}, q @ weights * (0.02 * arrays["ws"].astype(np.float64)) + arrays["bias"]


BYTE_SIZES = pytest.mark.parametrize("depth, width, rows", [
    (149, 83, 1), (128, 256, 1), (17, 3, 2), (131, 130, 4), (150, 1030, 1), (18, 64, 3),
    (149, 83, 7), (40, 70, 30)], ids=str)


@pytest.mark.parametrize("pattern", PATTERNS + ["20:64", "6:64"])
@BYTE_SIZES
def test_bytes(byte_runner, tmp_path, pattern, depth, width, rows):
    model, feeds, expected = save_bytes(tmp_path, depth, width, rows, pattern)
    library, said = compile_sparse(model, tmp_path, BYTE_TARGET)
    # No pattern is found where the depth is less than its group.
    kernel = "expand" if ":64" in pattern else "permute"
    assert f"'avx512-vnni-u8s8-{kernel}'" in said or depth < int(pattern.split(":")[1])
    np.save(tmp_path / "x.npy", feeds["x"])
    run(*byte_runner, BIN / "mopt-run", f"--input=x={tmp_path}/x.npy",
        f"--output={tmp_path}/out", library)
    np.testing.assert_allclose(np.load(tmp_path / "out" / "y.npy"), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.skipif("avx2" not in FLAGS, reason="needs AVX2")
@pytest.mark.parametrize("most", [64, 127])
@pytest.mark.parametrize("pattern", PATTERNS + ["20:64"])
@BYTE_SIZES
def test_bytes_that_are_picked(tmp_path, pattern, depth, width, rows, most):
    """Pairs of weights of up to 64 cannot saturate words, larger ones are multiplied one by one."""
    model, feeds, expected = save_bytes(tmp_path, depth, width, rows, pattern, most)
    library, said = compile_sparse(model, tmp_path, "x86-64-v3")
    packed = pattern != "20:64" and depth >= int(pattern.split(":")[1])
    assert ("'avx2-u8p8-permute'" in said) == packed
    found = mopt.InferenceSession(library).run(None, feeds)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


def test_certificate_of_bytes(tmp_path):
    """Quantized weights of a cache are dense whatever their pattern."""
    model, feeds, expected = save_bytes(tmp_path, 64, 40, 1, "2:4")
    session = mopt.InferenceSession(mopt.compile(model, sparsity="2:4"))
    assert session.build_info["sparsity"] == [
        {"layer": "layer (MatMul)", "pattern": "2:4", "arithmetic": "dense"}]
    np.testing.assert_allclose(session.run(None, feeds)[0], expected, rtol=1e-5, atol=1e-4)

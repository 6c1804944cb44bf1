"""Anchors against references in double precision, odd sizes included."""

import itertools
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "anchors"))
from kernel import FRONT, Kernel, aligned, resources, tensor  # noqa: E402

CPU_FLAGS = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
NEEDS = {"sse": "sse4_2", "avx2": "avx2", "avx512": "avx512f"}
MACHINES = [t for t, flag in NEEDS.items() if f" {flag} " in CPU_FLAGS]
RNG = np.random.default_rng(7)


def draw(*shape):
    array = aligned(shape)
    array[...] = RNG.standard_normal(shape)
    return array


def check(result, reference):
    assert result.shape == reference.shape
    if reference.size:
        scale = max(1e-6, np.abs(reference).max())
        assert np.abs(result - reference).max() <= 1e-5 * scale


def function(arguments, body, result, tail=""):
    signature = ", ".join(f"%{name}: {tensor(shape)} {{bufferization.writable = false}}"
                          for name, shape in arguments)
    return (f"func.func @kernel({signature}) -> {tensor(result)} "
            f"attributes {{llvm.emit_c_interface}} {{\n{body}\n}}\n{tail}")


def hide(shape, dynamic):
    return [None if dynamic else d for d in shape]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("m,n,k", [(1, 1, 1), (7, 70, 33), (5, 48, 16), (1, 200, 64), (33, 24, 7)])
def test_shared_right_side(machine, constant, transposed, m, n, k):
    a, b = draw(2, m, k), draw(1, n, k) if transposed else draw(1, k, n)
    flags = " {transpose_rhs}" if transposed else ""
    right = ("%b = arith.constant dense_resource<b> : " + tensor(b.shape)) if constant else ""
    body = f"""{right}
      %0 = mopt.matmul %a, %b{flags} : tensor<2x?x{k}xf32>, {tensor(b.shape)} -> tensor<2x?x{n}xf32>
      return %0 : tensor<2x?x{n}xf32>"""
    arguments = [("a", (2, None, k))] + ([] if constant else [("b", b.shape)])
    text = function(arguments, body, (2, None, n), resources(b=b) if constant else "")
    kernel = Kernel(text, machine, FRONT)
    result = kernel(*([a] if constant else [a, b]), rank=3)
    reference = a.astype(float) @ (np.swapaxes(b, 1, 2) if transposed else b).astype(float)
    check(result, reference)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("tl,tr", list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("shape", [(2, 3, 5, 17, 9), (1, 4, 1, 40, 16), (2, 1, 20, 64, 31)])
@pytest.mark.parametrize("dynamic", [False, True])
def test_batches(machine, tl, tr, shape, dynamic):
    o, i, m, n, k = shape
    a = draw(o, i, *((k, m) if tl else (m, k)))
    b = draw(o, 1, *((n, k) if tr else (k, n)))
    flags = [f for f, on in (("transpose_lhs", tl), ("transpose_rhs", tr)) if on]
    flags = f" {{{', '.join(flags)}}}" if flags else ""
    ta, tb, tc = ([o, i] + hide(a.shape[2:], dynamic), [o, 1] + hide(b.shape[2:], dynamic),
                  [o, i] + hide((m, n), dynamic))
    body = f"""%0 = mopt.matmul %a, %b{flags} : {tensor(ta)}, {tensor(tb)} -> {tensor(tc)}
      return %0 : {tensor(tc)}"""
    result = Kernel(function([("a", ta), ("b", tb)], body, tc), machine, FRONT)(a, b)
    left = (np.swapaxes(a, 2, 3) if tl else a).astype(float)
    right = (np.swapaxes(b, 2, 3) if tr else b).astype(float)
    check(result, left @ right)


@pytest.mark.parametrize("machine", MACHINES)
def test_attention_order(machine):
    """Heads stay interleaved: transpositions become the anchors' maps."""
    b, s, h, d = 2, 13, 3, 8
    q, v = draw(b, s, h, d), draw(b, h, s, d)
    body = f"""
      %p = arith.constant dense<0.25> : tensor<1x1x1x1xf32>
      %t = mopt.transpose %q [0, 2, 1, 3] : {tensor(q.shape)} -> tensor<{b}x{h}x{s}x{d}xf32>
      %0 = mopt.matmul %t, %v {{transpose_rhs}} : tensor<{b}x{h}x{s}x{d}xf32>, {tensor(v.shape)} -> tensor<{b}x{h}x{s}x{s}xf32>
      %1 = mopt.binary <mul> %0, %p : tensor<{b}x{h}x{s}x{s}xf32>, tensor<1x1x1x1xf32> -> tensor<{b}x{h}x{s}x{s}xf32>
      %2 = mopt.matmul %1, %v : tensor<{b}x{h}x{s}x{s}xf32>, {tensor(v.shape)} -> tensor<{b}x{h}x{s}x{d}xf32>
      %3 = mopt.transpose %2 [0, 2, 1, 3] : tensor<{b}x{h}x{s}x{d}xf32> -> {tensor(q.shape)}
      return %3 : {tensor(q.shape)}"""
    kernel = Kernel(function([("q", q.shape), ("v", v.shape)], body, q.shape), machine, FRONT)
    anchors = pathlib.Path(kernel.anchors).read_text()
    assert "init_map" in anchors and "linalg" not in anchors
    x = np.swapaxes(q, 1, 2).astype(float) @ np.swapaxes(v, 2, 3).astype(float) * 0.25
    check(kernel(q, v), np.swapaxes(x @ v.astype(float), 1, 2))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("m", [1, 6, 13])
def test_epilogue(machine, m):
    n, k = 40, 24
    a, w, bias, residual, row = draw(m, k), draw(k, n), draw(1, n), draw(m, n), draw(m, 1)
    body = f"""%w = arith.constant dense_resource<w> : tensor<{k}x{n}xf32>
      %bias = arith.constant dense_resource<bias> : tensor<1x{n}xf32>
      %0 = mopt.matmul %a, %w : tensor<?x{k}xf32>, tensor<{k}x{n}xf32> -> tensor<?x{n}xf32>
      %1 = mopt.binary <add> %0, %bias : tensor<?x{n}xf32>, tensor<1x{n}xf32> -> tensor<?x{n}xf32>
      %2 = mopt.binary <mul> %1, %row : tensor<?x{n}xf32>, tensor<?x1xf32> -> tensor<?x{n}xf32>
      %3 = mopt.unary <exp> %2 : tensor<?x{n}xf32> -> tensor<?x{n}xf32>
      %4 = mopt.binary <min> %3, %residual : tensor<?x{n}xf32>, tensor<?x{n}xf32> -> tensor<?x{n}xf32>
      return %4 : tensor<?x{n}xf32>"""
    arguments = [("a", (None, k)), ("residual", (None, n)), ("row", (None, 1))]
    kernel = Kernel(function(arguments, body, (None, n), resources(w=w, bias=bias)), machine, FRONT)
    assert "linalg" not in pathlib.Path(kernel.anchors).read_text()
    residual[0, 0] = np.nan
    result = kernel(a, residual, row)
    reference = np.minimum(np.exp((a.astype(float) @ w + bias) * row), residual)
    assert np.isnan(result[0, 0])
    result[0, 0] = reference[0, 0] = 0
    check(result, reference)


def convolve(x, w, strides, dilations, group):
    """NHWC by OIHW, no padding, in double precision."""
    n, *sizes, c = x.shape
    o, cg, *kernel = w.shape
    counts = [(s - (k - 1) * d - 1) // t + 1
              for s, k, d, t in zip(sizes, kernel, dilations, strides)]
    y = np.zeros((n, *counts, o))
    for taps in itertools.product(*map(range, kernel)):
        window = x[(slice(None), *(slice(k * d, k * d + (m - 1) * t + 1, t) for k, d, m, t in
                                   zip(taps, dilations, counts, strides)))].astype(float)
        for g in range(group):
            filters = w[(slice(g * o // group, (g + 1) * o // group), slice(None), *taps)]
            y[..., g * o // group:(g + 1) * o // group] += (
                window[..., g * cg:(g + 1) * cg] @ filters.T.astype(float))
    return y


CONVS = [
    # input, outputs, kernel, strides, dilations, pads, group
    ((2, 9, 7, 5), 20, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((1, 11, 13, 3), 64, (7, 7), (2, 2), (1, 1), (3, 3), 1),
    ((1, 8, 8, 16), 70, (1, 1), (1, 1), (1, 1), (0, 0), 1),
    ((2, 8, 7, 16), 24, (1, 1), (2, 2), (1, 1), (0, 0), 1),
    ((1, 9, 9, 8), 48, (3, 3), (1, 1), (2, 2), (2, 2), 1),
    ((1, 6, 10, 12), 20, (3, 3), (1, 2), (1, 1), (1, 1), 4),
    ((2, 30, 6), 17, (5,), (2,), (1,), (2,), 1),
    ((1, 5, 6, 7, 4), 8, (3, 2, 3), (1, 1, 2), (1, 2, 1), (1, 1, 1), 2),
    ((1, 9, 10, 19), 19, (3, 3), (1, 1), (1, 1), (1, 1), 19),
    ((2, 15, 15, 32), 32, (3, 3), (2, 2), (1, 1), (1, 1), 32),
    ((1, 9, 9, 21), 21, (9, 9), (1, 1), (1, 1), (4, 4), 21),
    ((1, 40, 9), 9, (5,), (1,), (2,), (4,), 9),
    ((1, 4, 5, 6, 17), 17, (3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1), 17),
    ((1, 6, 6, 4), 8, (3, 3), (1, 1), (1, 1), (1, 1), 4),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("case", CONVS, ids=[str(i) for i in range(len(CONVS))])
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("tile", ["", "{min-work=1000}"])
def test_convolution(machine, case, dynamic, tile):
    shape, o, kernel, strides, dilations, pads, group = case
    x, w = draw(*shape), draw(o, shape[-1] // group, *kernel)
    bias = draw(*[1] * (len(shape) - 1), o)
    padded = np.pad(x, [(0, 0), *((p, p) for p in pads), (0, 0)])
    reference = np.maximum(convolve(padded, w, strides, dilations, group) + bias, 0)
    tx = hide(shape[:-1], dynamic) + [shape[-1]]
    ty = hide(reference.shape[:-1], dynamic) + [o]
    array = lambda values: f"array<i64: {', '.join(map(str, values))}>"
    body = f"""%w = arith.constant dense_resource<w> : {tensor(w.shape)}
      %bias = arith.constant dense_resource<bias> : {tensor(bias.shape)}
      %zero = arith.constant dense<0.0> : {tensor([1] * len(shape))}
      %0 = mopt.conv %x, %w {{channels_last, group = {group}, strides = {array(strides)},
          dilations = {array(dilations)}, pads_begin = {array(pads)}, pads_end = {array(pads)}}}
          : {tensor(tx)}, {tensor(w.shape)} -> {tensor(ty)}
      %1 = mopt.binary <add> %0, %bias : {tensor(ty)}, {tensor(bias.shape)} -> {tensor(ty)}
      %2 = mopt.binary <max> %1, %zero : {tensor(ty)}, {tensor([1] * len(shape))} -> {tensor(ty)}
      return %2 : {tensor(ty)}"""
    text = function([("x", tx)], body, ty, resources(w=w, bias=bias))
    check(Kernel(text, machine, FRONT, tile)(x), reference)

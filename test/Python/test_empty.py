"""Sizes of 0, known and not known: what has no elements has none, and a sum over nothing is 0.
Compared with ONNX Runtime without optimizations, and with numbers that stand here where it
refuses such a model or crashes."""

import numpy as np
import pytest
import quantization_models
from onnx import compose, helper
from text_models import as_array, build, draw, run_reference

import mopt

F, U8, S8 = np.float32, np.uint8, np.int8
GROUPS = {}


def case(name, body, inputs="x", wanted=None, **arrays):
    """Nodes that compute their last outputs of `arrays`, of which `inputs` are the model's."""
    arrays = {key: as_array(value) for key, value in arrays.items()}
    group = GROUPS.setdefault(SECTION, {})
    assert name not in group
    group[name] = (body, arrays, inputs.split(), wanted)


def join(models):
    """One model of many, by their names, which become prefixes of all that is in them."""
    joined = helper.make_graph([], "joined", [], [])
    for name, model in models.items():
        graph = compose.add_prefix(model, f"{name}/").graph
        for value in graph.input:
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_param:
                    dim.dim_param = f"{name}/{dim.dim_param}"
        for field in ("node", "input", "output", "initializer"):
            getattr(joined, field).extend(getattr(graph, field))
    model = next(iter(models.values()))
    return helper.make_model(joined, ir_version=model.ir_version,
                             opset_imports=model.opset_import)


def check(group, dynamic=False, names=None, tolerance=1e-5, **options):
    """The cases of a group, `names` of them, in one library."""
    models, feeds, wanted = {}, {}, []
    for name, (body, arrays, inputs, expected) in GROUPS[group].items():
        if names is not None and name not in names:
            continue
        model = build(body, arrays, inputs, inputs if dynamic else ())
        models[name] = model
        own = {key: arrays[key] for key in inputs}
        feeds.update({f"{name}/{key}": value for key, value in own.items()})
        if expected is None:
            expected = run_reference(model, own)
        wanted.extend(zip([name] * len(expected), expected))
    library = mopt.compile(join(models), **options)
    for threads in (1, 2):
        found = mopt.InferenceSession(library, threads=threads).run(None, feeds)
        for f, (name, w) in zip(found, wanted, strict=True):
            assert (f.dtype, f.shape) == (w.dtype, w.shape), name
            np.testing.assert_allclose(f, w, rtol=tolerance, atol=tolerance, err_msg=name)


def nothing(*shape, dtype=F):
    assert 0 in shape
    return [np.zeros(shape, dtype)]


SECTION = "convolutions"
case("conv_batch", "y = Conv(x, w, b)", x=(0, 3, 5, 5), w=(4, 3, 3, 3), b=(4,))
case("conv_inputs", "y = Conv(x, w, b)", x=(1, 0, 5, 5), w=(4, 0, 3, 3), b=(4,))
case("conv_inputs_no_bias", "y = Conv(x, w)", x=(1, 0, 5, 5), w=(4, 0, 3, 3))
case("conv_outputs", "y = Conv(x, w)", x=(1, 3, 5, 5), w=(0, 3, 3, 3))
case("conv_outputs_bias", "y = Conv(x, w, b)", x=(1, 3, 5, 5), w=(0, 3, 3, 3), b=(0,))
case("conv_rows", "y = Conv(x, w)", wanted=nothing(1, 4, 0, 3), x=(1, 3, 0, 5), w=(4, 3, 1, 3))
case("conv_rows_strides", "y = Conv<strides=[2, 2]>(x, w)", wanted=nothing(1, 4, 0, 3),
     x=(1, 3, 0, 7), w=(4, 3, 1, 3))
case("conv_window_beyond", "y = Conv<pads=[1, 1, 1, 1]>(x, w)", x=(1, 3, 0, 0), w=(4, 3, 2, 2))
for rows in (1, 2):
    case(f"conv_window_too_large_{rows}", "y = Conv(x, w)", wanted=nothing(1, 4, 0, 3),
         x=(1, 3, rows, 5), w=(4, 3, 3, 3))
case("conv_padding_alone", "y = Conv<pads=[2, 1, 2, 1]>(x, w, b)", x=(1, 3, 0, 5),
     w=(4, 3, 3, 3), b=(4,))
case("conv_groups_outputs", "y = Conv<group=2>(x, w)", x=(1, 4, 5, 5), w=(0, 2, 3, 3))
case("conv_groups_inputs", "y = Conv<group=2>(x, w)", x=(1, 0, 5, 5), w=(4, 0, 3, 3))
case("conv_depthwise", "y = Conv<group=8>(x, w)", x=(0, 8, 5, 5), w=(8, 1, 3, 3))
case("conv_filter_input", "y = Conv<kernel_shape=[3, 3]>(x, w)", inputs="x w",
     x=(1, 3, 5, 5), w=(0, 3, 3, 3))
case("conv_chain", """a = Conv<pads=[1, 1, 1, 1]>(x, w, b)
                      r = Relu(a)
                      y = Conv(r, v)""", x=(0, 3, 5, 5), w=(4, 3, 3, 3), b=(4,), v=(2, 4, 1, 1))
case("conv_batchnorm", """a = Conv(x, w)
                          y = BatchNormalization(a, s, b, m, v)""", x=(0, 3, 5, 5),
     w=(4, 3, 3, 3), s=(4,), b=(4,), m=(4,), v=np.ones(4, F))
case("conv_1d", "y = Conv(x, w)", x=(0, 3, 5), w=(4, 3, 3))
case("conv_3d", "y = Conv(x, w)", wanted=nothing(2, 4, 0, 5, 5), x=(2, 3, 0, 5, 5), w=(4, 3, 1, 1, 1))
case("transposed_batch", "y = ConvTranspose(x, w, b)", x=(0, 3, 5, 5), w=(3, 4, 3, 3), b=(4,))
case("transposed_inputs", "y = ConvTranspose(x, w, b)", x=(1, 0, 5, 5), w=(0, 4, 3, 3), b=(4,))
case("transposed_outputs", "y = ConvTranspose(x, w)", x=(1, 3, 5, 5), w=(3, 0, 3, 3))
case("transposed_rows", "y = ConvTranspose(x, w, b)", x=(1, 3, 0, 5), w=(3, 4, 3, 3), b=(4,))

SECTION = "products"
for name, x, w in [("rows", (0, 4), (4, 5)), ("depth", (3, 0), (0, 5)), ("columns", (3, 4), (4, 0)),
                   ("batch", (0, 3, 4), (4, 5)), ("batches", (2, 0, 3, 4), (2, 1, 4, 5)),
                   ("batch_depth", (2, 3, 0), (0, 5)), ("vectors", (0,), (0,)),
                   ("nothing", (0, 0), (0, 0)), ("one_row_depth", (1, 0), (0, 64)),
                   ("vector_columns", (4,), (4, 0))]:
    case(f"matmul_{name}", "y = MatMul(x, w)", x=x, w=w)
    case(f"matmul_inputs_{name}", "y = MatMul(x, w)", inputs="x w", x=x, w=w)
case("matmul_epilogue", """m = MatMul(x, w)
                           a = Add(m, b)
                           y = Relu(a)""", x=(3, 0), w=(0, 5), b=(5,))
case("matmul_half", "y = MatMul(x, w)", x=np.zeros((3, 0), np.float16),
     w=np.zeros((0, 5), np.float16))
case("matmul_double", "y = MatMul(x, w)", x=np.zeros((3, 0)), w=np.zeros((0, 5)))
case("matmul_int64", "y = MatMul(x, w)", x=np.zeros((3, 0), np.int64), w=np.zeros((0, 5), np.int64))
case("gemm_rows", "y = Gemm(x, w, b)", x=(0, 4), w=(4, 5), b=(5,))
case("gemm_depth", "y = Gemm(x, w, b)", x=(3, 0), w=(0, 5), b=(5,))
case("gemm_depth_scaled", "y = Gemm<beta=0.5, alpha=2.0>(x, w, b)", x=(3, 0), w=(0, 5), b=(3, 1))
case("gemm_depth_no_bias", "y = Gemm(x, w)", x=(3, 0), w=(0, 5))
case("gemm_columns", "y = Gemm(x, w)", x=(3, 4), w=(4, 0))
case("gemm_transposed", "y = Gemm<transA=1, transB=1>(x, w, b)", x=(0, 3), w=(5, 0), b=(5,))
case("einsum", 'y = Einsum<equation="ij,jk->ik">(x, w)', x=(3, 0), w=(0, 5))

SECTION = "poolings"
for op in ["MaxPool", "AveragePool", "LpPool"]:
    case(f"{op}_batch", f"y = {op}<kernel_shape=[2, 2]>(x)", x=(0, 3, 5, 5))
    case(f"{op}_channels", f"y = {op}<kernel_shape=[2, 2]>(x)", wanted=nothing(1, 0, 4, 4),
         x=(1, 0, 5, 5))
    case(f"{op}_rows", f"y = {op}<kernel_shape=[1, 2]>(x)", wanted=nothing(1, 3, 0, 4),
         x=(1, 3, 0, 5))
    case(f"{op}_ceil", f"y = {op}<kernel_shape=[1, 2], strides=[2, 2], ceil_mode=1>(x)",
         wanted=nothing(1, 3, 0, 3), x=(1, 3, 0, 5))
case("max_pool_indices", "y, i = MaxPool<kernel_shape=[2, 2]>(x)", x=(0, 3, 5, 5))
for op, of_nothing in [("Max", -np.inf), ("Average", np.nan), ("Lp", 0)]:
    case(f"Global{op}Pool_batch", f"y = Global{op}Pool(x)", x=(0, 3, 5, 5))
    case(f"Global{op}Pool_channels", f"y = Global{op}Pool(x)", wanted=nothing(1, 0, 1, 1),
         x=(1, 0, 5, 5))
    case(f"Global{op}Pool_rows", f"y = Global{op}Pool(x)", x=(1, 3, 0, 5),
         wanted=[np.full((1, 3, 1, 1), of_nothing, F)])

SECTION = "reductions"
for op in ["Sum", "Prod", "Max", "Min", "Mean", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"]:
    # NumPy's mean of nothing; ONNX Runtime has 0.
    def mean(*shape, op=op):
        return [np.full(shape, np.nan, F)] if op == "Mean" else None
    case(f"Reduce{op}_nothing", f"y = Reduce{op}<keepdims=0>(x, a)", wanted=mean(3, 4),
         x=(3, 0, 4), a=[1])
    case(f"Reduce{op}_empty", f"y = Reduce{op}<keepdims=0>(x, a)", x=(3, 0, 4), a=[0])
    case(f"Reduce{op}_all", f"y = Reduce{op}(x)", wanted=mean(1, 1), x=(2, 0))
case("argmax", "y = ArgMax<axis=0>(x)", x=(3, 0))
case("softmax", "y = Softmax<axis=1>(x)", x=(0, 4))
case("softmax_axis", "y = Softmax<axis=1>(x)", x=(3, 0))
case("log_softmax", "y = LogSoftmax<axis=0>(x)", x=(3, 0))
case("cumsum", "y = CumSum(x, a)", x=(3, 0), a=np.int64(1))
case("topk", "y, i = TopK(x, k)", x=(3, 4), k=[0])
case("layer_norm", "y = LayerNormalization(x, s, b)", x=(0, 4), s=(4,), b=(4,))
case("instance_norm", "y = InstanceNormalization(x, s, b)", x=(0, 4, 3, 3), s=(4,), b=(4,))
case("batch_norm", "y = BatchNormalization(x, s, b, m, v)", x=(0, 4, 3), s=(4,), b=(4,), m=(4,),
     v=np.ones(4, F))

SECTION = "movement"
case("add", "y = Add(x, w)", x=(0, 3), w=(3,))
case("add_one", "y = Add(x, w)", x=(2, 0), w=(2, 1))
case("add_scalar", "y = Add(x, w)", x=(2, 0), w=())
case("where", "y = Where(c, x, w)", c=np.zeros((1, 1), bool), x=(2, 0), w=(1,))
case("cast", "y = Cast<to=7>(x)", x=(2, 0))
case("clip_gelu", """a = Gelu(x)
                     y = Clip(a, l)""", x=(0, 7), l=np.float32(0))
case("resize_batch", 'y = Resize<mode="linear">(x, , s)', x=(0, 3, 4, 4), s=np.array([1, 1, 2, 2], F))
case("resize_channels", 'y = Resize<mode="nearest">(x, , s)', x=(1, 0, 4, 4),
     s=np.array([1, 1, 2, 2], F))
case("resize_to_nothing", 'y = Resize<mode="nearest">(x, , , n)',
     wanted=nothing(1, 2, 0, 4), x=(1, 2, 4, 4), n=[1, 2, 0, 4])
case("resize_rows", 'y = Resize<mode="nearest">(x, , s)', x=(1, 2, 0, 4), s=np.array([1, 1, 2, 2], F))
case("concat", "y = Concat<axis=0>(x, w)", x=(0, 3), w=(2, 3))
case("concat_last", "y = Concat<axis=1>(w, x)", x=(3, 0), w=(3, 2))
case("concat_nothing", "y = Concat<axis=0>(x, w)", x=(0, 3), w=(0, 3))
case("concat_other", "y = Concat<axis=1>(x, w)", x=(0, 3), w=(0, 2))
case("pad", "y = Pad(x, p)", x=(0, 3), p=[1, 0, 1, 2])
case("pad_front", "y = Pad(x, p, v)", x=(0, 3), p=[2, 0, 0, 0], v=F(3))
case("pad_away", "y = Pad(x, p)", x=(2, 3), p=[-1, 0, -1, 0])
case("slice", "y = Slice(x, s, e)", x=(4, 3), s=[2], e=[2])
case("gather", "y = Gather(x, i)", x=(4, 3), i=np.zeros(0, np.int64))
case("gather_nothing", "y = Gather<axis=1>(x, i)", x=(0, 3), i=[1, 2])
case("scatter", "y = ScatterElements(x, i, u)", x=(4, 3), i=np.zeros((0, 3), np.int64), u=(0, 3))
case("scatter_nd", "y = ScatterND(x, i, u)", x=(4, 3), i=np.zeros((0, 1), np.int64), u=(0, 3))
case("one_hot", "y = OneHot(x, d, v)", x=np.zeros(0, np.int64), d=np.int64(3), v=[0, 1])
case("reshape", "y = Reshape(x, s)", x=(0, 6), s=[0, 2, 3])
case("reshape_allowzero", "y = Reshape<allowzero=1>(x, s)", x=(0, 6), s=[4, 0])
case("expand", "y = Expand(x, s)", x=(2, 1), s=[2, 0])
case("tile", "y = Tile(x, r)", x=(2, 3), r=[0, 2])
case("transpose", "y = Transpose<perm=[1, 0, 2]>(x)", x=(0, 2, 3))
case("split", "y, z = Split(x, s)", x=(3, 2), s=[0, 3])
case("flatten", "y = Flatten(x)", x=(0, 2, 3))
case("nonzero", "y = NonZero(x)", x=(0, 3))
case("depth_to_space", "y = DepthToSpace<blocksize=2>(x)", x=(0, 4, 2, 2))
case("lstm_batch", "z, y = LSTM<hidden_size=3>(x, w, r)",
     wanted=nothing(4, 1, 0, 3) + nothing(1, 0, 3), x=(4, 0, 2), w=(1, 12, 2), r=(1, 12, 3))
case("lstm_steps", "z, y = LSTM<hidden_size=3>(x, w, r)", x=(0, 2, 2), w=(1, 12, 2), r=(1, 12, 3))

SECTION = "quantized"
ONE, ZERO = np.float32(0.1), np.uint8(7)
for name, x, w in [("batch", (0, 3, 5, 5), (4, 3, 3, 3)), ("inputs", (1, 0, 5, 5), (4, 0, 3, 3)),
                   ("outputs", (1, 3, 5, 5), (0, 3, 3, 3)), ("rows", (1, 3, 0, 5), (4, 3, 1, 3))]:
    quantized = {"x": draw(x, U8), "w": draw(w, S8)}
    # ONNX Runtime refuses the last ones, and leaves sums of no products unset.
    empty = nothing(1, 4, 0, 3, dtype=U8) if name == "rows" else None
    unset = [np.full((1, 4, 3, 3), ZERO)] if name == "inputs" else empty
    case(f"qlinear_conv_{name}", "y = QLinearConv(x, s, z, w, s, v, s, z, b)", wanted=unset,
         s=ONE, z=ZERO, v=S8(0), b=np.zeros(w[0], np.int32), **quantized)
    case(f"conv_integer_{name}", "y = ConvInteger(x, w, z)", z=ZERO, **quantized,
         wanted=[np.zeros((1, 4, 3, 3), np.int32)] if name == "inputs" else
         empty and nothing(1, 4, 0, 3, dtype=np.int32))
    case(f"qdq_conv_{name}", """f = DequantizeLinear(x, s, z)
                                g = DequantizeLinear<axis=0>(w, t, v)
                                c = Conv(f, g, b)
                                r = Relu(c)
                                y = QuantizeLinear(r, s, z)""", wanted=empty,
         s=ONE, z=ZERO, t=np.full(w[0], 0.1, F), v=np.zeros(w[0], S8), b=(w[0],), **quantized)
case("qlinear_conv_padding", "y = QLinearConv<pads=[2, 1, 2, 1]>(x, s, z, w, s, v, s, z)",
     wanted=[np.full((1, 4, 2, 5), ZERO)], x=draw((1, 3, 0, 5), U8), w=draw((4, 3, 3, 3), S8),
     s=ONE, z=ZERO, v=S8(0))
for name, x, w in [("rows", (0, 4), (4, 5)), ("depth", (3, 0), (0, 5)), ("columns", (3, 4), (4, 0)),
                   ("batch", (0, 3, 4), (4, 5))]:
    quantized = {"x": draw(x, U8), "w": draw(w, S8)}
    # ONNX Runtime leaves the result of no products unset.
    def unset(value, name=name):
        return [np.full((3, 5), value)] if name == "depth" else None
    case(f"qlinear_matmul_{name}", "y = QLinearMatMul(x, s, z, w, s, v, s, z)",
         wanted=unset(ZERO), s=ONE, z=ZERO, v=S8(0), **quantized)
    case(f"matmul_integer_{name}", "y = MatMulInteger(x, w, z)", wanted=unset(np.int32(0)),
         z=ZERO, **quantized)
    case(f"qdq_matmul_{name}", """f = DequantizeLinear(x, s, z)
                                  g = DequantizeLinear<axis=1>(w, t, v)
                                  c = MatMul(f, g)
                                  y = QuantizeLinear(c, s, z)""",
         s=ONE, z=ZERO, t=np.full(w[1], 0.1, F), v=np.zeros(w[1], S8), **quantized)
    case(f"dynamic_{name}", """q, s, z = DynamicQuantizeLinear(x)
                               i = MatMulInteger(q, w, z)
                               f = Cast<to=1>(i)
                               y = Mul(f, s)""", wanted=unset(F(0)), x=x, w=draw(w, S8))
case("quantize", "y = QuantizeLinear(x, s, z)", x=(0, 4), s=ONE, z=ZERO)
case("quantize_axis", "y = QuantizeLinear<axis=1>(x, s, z)", x=(0, 4), s=np.full(4, 0.1, F),
     z=np.zeros(4, U8))
case("quantize_axis_of_none", "y = QuantizeLinear<axis=1>(x, s, z)", x=(3, 0), s=np.zeros(0, F),
     z=np.zeros(0, U8))
case("dequantize", "y = DequantizeLinear(x, s, z)", x=np.zeros((0, 4), U8), s=ONE, z=ZERO)
case("dequantize_blocks", "y = DequantizeLinear<axis=0, block_size=2>(x, s)",
     x=np.zeros((0, 4), U8), s=np.zeros((0, 4), F))
case("dynamic_quantize", "y, s, z = DynamicQuantizeLinear(x)", x=(0, 4))
case("nbits", "y = com.microsoft.MatMulNBits<K=32, N=4, bits=4, block_size=16>(x, w, s)",
     x=(0, 32), w=draw((4, 2, 8), U8), s=(4, 2))
for op in ["Add", "Mul"]:
    case(f"qlinear_{op}", f"y = com.microsoft.QLinear{op}(x, s, z, w, s, z, s, z)",
         x=draw((0, 4), U8), w=draw((4,), U8), s=ONE, z=ZERO)
case("qlinear_pool", "y = com.microsoft.QLinearGlobalAveragePool(x, s, z, s, z)",
     x=draw((0, 4, 3, 3), U8), s=ONE, z=ZERO)
case("qgemm", "y = com.microsoft.QGemm(x, s, z, w, s, v, , s, z)",
     wanted=[np.full((3, 5), ZERO)], x=draw((3, 0), U8), w=draw((0, 5), S8), s=ONE, z=ZERO,
     v=S8(0))

SECTION = "others"
I64 = np.int64
case("gru_batch", "z, y = GRU<hidden_size=3>(x, w, r)",
     wanted=nothing(4, 1, 0, 3) + nothing(1, 0, 3), x=(4, 0, 2), w=(1, 9, 2), r=(1, 9, 3))
case("rnn_steps", "z, y = RNN<hidden_size=3>(x, w, r)", x=(0, 2, 2), w=(1, 3, 2), r=(1, 3, 3))
case("grid_sample", "y = GridSample(x, g)", x=(1, 2, 4, 4), g=(1, 0, 3, 2))
case("compress", "y = Compress<axis=0>(x, c)", x=(3, 2), c=np.zeros(3, bool))
case("boxes", "y = NonMaxSuppression(x, s, m)", x=(1, 0, 4), s=(1, 1, 0), m=I64(3))
case("roi_align", "y = RoiAlign<output_height=2, output_width=2>(x, r, i)", x=(1, 2, 4, 4),
     r=(0, 4), i=np.zeros(0, I64))
case("range", "y = Range(x, l, d)", x=I64(3), l=I64(3), d=I64(1))
case("unique", "y, a, b, c = Unique(x)", x=(0,))
case("col2im", "y = Col2Im(x, s, b)", x=(0, 4, 4), s=[3, 3], b=[2, 2])
case("unpool", "y = MaxUnpool<kernel_shape=[2, 2], strides=[2, 2]>(x, i)", x=(0, 1, 2, 2),
     i=np.zeros((0, 1, 2, 2), I64))
case("fused_matmul", "y = com.microsoft.FusedMatMul<alpha=2.0, transB=1>(x, w)", x=(3, 0),
     w=(5, 0))
case("transposed_groups", "y = ConvTranspose<group=2, strides=[2, 2]>(x, w)", x=(0, 4, 5, 5),
     w=(4, 2, 3, 3))
case("skip_norm", "y = com.microsoft.SkipLayerNormalization(x, k, g, b)", x=(0, 3, 8),
     k=(0, 3, 8), g=(8,), b=(8,))
case("slice_back", "y = Slice(x, s, e, a, t)", x=(0, 4), s=[3], e=[-5], a=[1], t=[-1])
case("slice_beyond", "y = Slice(x, s, e)", x=(4, 3), s=[9], e=[20])
case("pad_edge", 'y = Pad<mode="edge">(x, p)', x=(2, 0, 3), p=[0, 0, 1, 0, 0, 1])

SECTION = "around_bytes"
AROUND = {
    "depthwise": ("c = Conv<group=4, pads=[1, 1, 1, 1]>(f, g)", (0, 4, 5, 5), (4, 1, 3, 3)),
    "softmax": ("c = Softmax(f)", (0, 4), (1,)),
    "concat": ("c = Concat<axis=1>(f, g)", (3, 0), (3, 2)),
    "average": ("c = AveragePool<kernel_shape=[2, 2]>(f)", (0, 4, 5, 5), (1,)),
    "maximum": ("c = MaxPool<kernel_shape=[2, 2]>(f)", (0, 4, 5, 5), (1,)),
    "global": ("c = GlobalAveragePool(f)", (0, 4, 5, 5), (1,)),
    "gemm": ("c = Gemm<transB=1>(f, g, b)", (3, 0), (5, 0)),
    "add": ("c = Add(f, g)", (0, 4), (4,)),
}
for name, (node, x, w) in AROUND.items():
    case(name, f"""f = DequantizeLinear(x, s, z)
                   g = DequantizeLinear(w, s, z)
                   {node}
                   y = QuantizeLinear(c, s, z)""", x=draw(x, U8), w=draw(w, U8), b=(5,), s=ONE,
         z=ZERO)
case("nbits_batch", "y = com.microsoft.MatMulNBits<K=32, N=4, bits=4, block_size=16>(x, w, s)",
     x=(0, 3, 32), w=draw((4, 2, 8), U8), s=(4, 2))
case("qlinear_concat", "y = com.microsoft.QLinearConcat<axis=0>(s, z, x, s, z, w, s, z)",
     x=draw((0, 4), U8), w=draw((2, 4), U8), s=ONE, z=ZERO)
case("qlinear_average", "y = com.microsoft.QLinearAveragePool<kernel_shape=[2, 2]>(x, s, z, s, z)",
     x=draw((0, 4, 5, 5), U8), s=ONE, z=ZERO)
case("blocks_of_none", "y = DequantizeLinear<axis=1, block_size=2>(x, s)",
     x=np.zeros((3, 0), U8), s=np.zeros((3, 0), F))


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("group", GROUPS)
def test_empty(group, dynamic):
    check(group, dynamic)


@pytest.mark.parametrize("group", GROUPS)
def test_reference_pipeline(group):
    check(group, arguments=["--pipeline=reference"])


@pytest.mark.parametrize("mode", ["dynamic-int8", "weight-int8", "weight-int4:group=32"])
@pytest.mark.parametrize("group", ["convolutions", "products"])
def test_quantized_option(group, mode):
    check(group, quantize=mode)


@pytest.mark.parametrize("option", ["--precision=bf16", "--numerics=strict", "-O1"])
def test_options(option):
    check("products", arguments=[option])


@pytest.mark.parametrize("group", ["convolutions", "quantized"])
def test_plain_target(group):
    check(group, target="x86-64-v2")


@pytest.mark.parametrize("quantize", [None, "dynamic-int8", "weight-int4:group=8"])
@pytest.mark.parametrize("name", ["residual", "perceptron"])
def test_batch_of_none(name, quantize):
    """Whole models, the size fixed to 0 or given by run time."""
    model = quantization_models.MODELS[name]()
    _, *sizes = quantization_models.SHAPES[name]
    feeds = {"x": np.zeros((0, *sizes), F)}
    wanted, = run_reference(model, feeds)
    for dims in ({"n": 0}, {}):
        library = mopt.compile(model, quantize=quantize, dims=dims)
        found, = mopt.InferenceSession(library).run(None, feeds)
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)


def test_calibrated_batch_of_none(tmp_path):
    model = quantization_models.residual()
    path = tmp_path / "static.onnx"
    mopt.quantize(model, quantization_models.feeds("residual"), path)
    for dims in ({"n": 0}, {}):
        session = mopt.InferenceSession(mopt.compile(path, dims=dims))
        found, = session.run(None, {"x": np.zeros((0, 3, 13, 11), F)})
        assert found.shape == (0, 10)

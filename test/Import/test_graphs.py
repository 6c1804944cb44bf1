"""Graphs, names and scopes, subgraphs, functions, types, module attributes."""

import onnx
import pytest
from conftest import F32, model
from onnx import TensorProto, helper

node = helper.make_node


def graph(name, nodes, inputs=(), outputs=(), **rest):
    info = lambda name: helper.make_tensor_value_info(name, F32, ["n"])
    return helper.make_graph(
        list(nodes), name, [info(i) for i in inputs], [info(o) for o in outputs], **rest
    )


def test_entry(imported):
    text = imported(
        model(
            [node("Relu", ["x"], ["y"])],
            [helper.make_tensor_value_info("x", F32, ["batch", 3, None])],
            [helper.make_tensor_value_info("y", F32, None)],
        )
    )
    assert 'func.func @g(%arg0: tensor<?x3x?xf32> {onnx.dims = ["batch", 3, unit], onnx.name = "x"})' in text
    assert '-> (tensor<*xf32> {onnx.name = "y"}) attributes {mopt.entry}' in text


def test_placeholders_name_no_dimension(imported):
    x = helper.make_tensor_value_info("x", F32, ["?", 3, "?", "n?"])
    assert 'onnx.dims = [unit, 3, unit, "n?"]' in imported(model([node("Relu", ["x"], ["y"])], [x]))


@pytest.mark.parametrize(
    "name, entry", [("", "main_graph"), ("a/b c", "a_b_c"), ("9x", "_9x"), ("///", "main_graph"), ("µ", "main_graph")]
)
def test_entry_name(imported, name, entry):
    m = model([node("Relu", ["x"], ["y"])])
    m.graph.name = name
    assert f"func.func @{entry}(" in imported(m)


def test_module_attributes(imported):
    m = model([node("Relu", ["x"], ["y"])], opsets=[("", 17), ("com.acme", 3)])
    m.producer_name, m.producer_version = "pytorch", "2.1"
    helper.set_model_props(m, {"labels": "a\nb"})
    text = imported(m)
    assert "onnx.opsets = {ai.onnx = 17 : i64, com.acme = 3 : i64}" in text
    assert "onnx.ir_version = 10 : i64" in text
    assert 'onnx.producer = "pytorch 2.1"' in text
    assert 'onnx.metadata = {labels = "a\\0Ab"}' in text


def test_old_models(imported):
    m = model([node("Relu", ["x"], ["y"])], ir_version=1)
    m.ClearField("opset_import")
    assert "onnx.opsets = {ai.onnx = 1 : i64}" in imported(m)
    # Before IR version 4 initializers are inputs too.
    weight = helper.make_tensor("w", F32, [2], [1, 2])
    m = model([node("Add", ["x", "w"], ["y"])], ["x", "w"], ir_version=3, initializer=[weight])
    text = imported(m)
    assert "%arg1" not in text and "arith.constant dense<[1.000000e+00, 2.000000e+00]>" in text
    # IR version 1 attributes have no type.
    m = model([node("LeakyRelu", ["x"], ["y"], alpha=0.5)], ir_version=1)
    m.graph.node[0].attribute[0].ClearField("type")
    assert "{alpha = 5.000000e-01 : f32}" in imported(m)


def test_locations(imported):
    nodes = [node("Relu", ["x"], ["t"], name="conv1"), node("Gelu", ["t"], ["y"], domain="com.acme")]
    text = imported(model(nodes, opsets=[("", 17), ("com.acme", 2)]), "--locations")
    assert "\"node 'conv1' (Relu, opset 17)\"" in text
    assert "\"node 'y' (com.acme.Gelu, opset 2)\"" in text
    assert "model.onnx:2:0" in text


def test_left_out_inputs_and_outputs(imported):
    text = imported(
        model([node("LSTM", ["x", "x", "x", "", "", "x"], ["", "y", ""], hidden_size=4)])
    )
    assert "%0 = onnx.none" in text
    assert (
        'onnx.node "LSTM"(%arg0, %arg0, %arg0, %0, %0, %arg0) {hidden_size = 4 : si64} : '
        "(tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, !onnx.absent, !onnx.absent, tensor<?xf32>)"
        " -> (!onnx.absent, tensor<?xf32>, !onnx.absent)"
    ) in text


def test_attributes(imported):
    tensor = helper.make_tensor("t", TensorProto.INT32, [2], [1, 2])
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("s", F32, [1], [3.0]), helper.make_tensor("i", TensorProto.INT64, [1], [1]), [2]
    )
    attributes = dict(
        f=1.5, i=-3, s="text", fs=[1.0, float("inf")], ints=[1, -2], ss=["a", "b"], t=tensor, ts=[tensor, tensor],
        sp=sparse, tp=helper.make_tensor_type_proto(F32, [2, None]),
    )
    text = imported(model([node("Anything", ["x"], ["y"], domain="d", **attributes)], opsets=[("", 17), ("d", 1)]))
    for expected in (
        "f = 1.500000e+00 : f32",
        "fs = array<f32: 1.000000e+00, 0x7F800000>",
        "i = -3 : si64",
        "ints = array<i64: 1, -2>",
        's = "text"',
        'ss = ["a", "b"]',
        "t = dense<[1, 2]> : tensor<2xi32>",
        "ts = [dense<[1, 2]> : tensor<2xi32>, dense<[1, 2]> : tensor<2xi32>]",
        "sp = dense<[0.000000e+00, 3.000000e+00]> : tensor<2xf32>",
        "tp = tensor<2x?xf32>",
    ):
        assert expected in text
    assert 'onnx.node "Anything" domain "d"(' in text


def test_types(imported):
    tensor = helper.make_tensor_type_proto(F32, [2, "n"])
    types = {
        "s": (helper.make_sequence_type_proto(tensor), "!onnx.sequence<tensor<2x?xf32>>"),
        "o": (helper.make_optional_type_proto(tensor), "!onnx.optional<tensor<2x?xf32>>"),
        "os": (
            helper.make_optional_type_proto(helper.make_sequence_type_proto(tensor)),
            "!onnx.optional<!onnx.sequence<tensor<2x?xf32>>>",
        ),
        "m": (helper.make_map_type_proto(TensorProto.INT64, tensor), "!onnx.map<i64, tensor<2x?xf32>>"),
        "p": (helper.make_sparse_tensor_type_proto(F32, [3]), "!onnx.sparse<tensor<3xf32>>"),
        "t": (helper.make_tensor_type_proto(TensorProto.STRING, [2]), "tensor<2x!onnx.string>"),
        "u": (onnx.TypeProto(), "!onnx.value"),
        "e": (onnx.TypeProto(tensor_type=onnx.TypeProto.Tensor()), "!onnx.value"),
        "d": (helper.make_tensor_type_proto(F32, [-1, 0]), "tensor<?x0xf32>"),
    }
    inputs = [helper.make_value_info(name, proto) for name, (proto, _) in types.items()]
    text = imported(model([node("Foo", list(types), ["y"])], inputs))
    for name, (_, expected) in types.items():
        assert f": {expected} {{" in text


def test_value_info(imported):
    info = [helper.make_tensor_value_info("t", F32, [4]), helper.make_tensor_value_info("unused", F32, [5])]
    text = imported(model([node("Relu", ["x"], ["t"]), node("Relu", ["t"], ["y"])], value_info=info))
    assert "-> tensor<4xf32>" in text and "5xf32" not in text


def test_outputs_may_be_inputs_or_weights(imported):
    weight = helper.make_tensor("w", TensorProto.INT8, [3], [1, 2, 3])
    text = imported(model([], ["x"], ["x", "w"], initializer=[weight]))
    assert "return %arg0, %cst : tensor<?xf32>, tensor<3xi8>" in text


def test_subgraph_scopes(imported):
    then = graph("then", [node("Add", ["x", "t"], ["r"])], outputs=["r"])
    other = graph("else", [], outputs=["t"], initializer=[helper.make_tensor("unused", F32, [1], [1])])
    loop = graph(
        "body",
        [node("Add", ["x", "v"], ["r2"]), node("Identity", ["c"], ["c2"])],
        inputs=["i", "c", "v"],
        outputs=["c2", "r2"],
    )
    text = imported(
        model(
            [
                node("Relu", ["x"], ["t"]),
                node("If", ["x"], ["u"], then_branch=then, else_branch=other),
                node("Loop", ["x", "", "u"], ["y"], body=loop),
            ]
        )
    )
    assert 'onnx.node "If"(%arg0) "' in text and '"then_branch"() {' in text
    assert 'onnx.node "Add"(%arg0, %0) : (tensor<?xf32>, !onnx.value) -> tensor<?xf32>' in text
    assert "onnx.yield %0 : !onnx.value" in text
    assert '"body"(%arg1: tensor<?xf32>, %arg2: tensor<?xf32>, %arg3: tensor<?xf32>) {' in text
    assert 'onnx.node "Add"(%arg0, %arg3)' in text


def test_a_subgraph_may_shadow(imported):
    inner = graph("then", [node("Relu", ["x"], ["t"])], outputs=["t"])
    text = imported(
        model([node("Relu", ["x"], ["t"]), node("If", ["t"], ["y"], then_branch=inner, else_branch=inner)])
    )
    assert text.count('onnx.node "Relu"') == 3


def function(name, inputs, outputs, nodes, opsets=(("", 17), ("f", 1)), **rest):
    return helper.make_function(
        "f", name, inputs, outputs, nodes, [helper.make_opsetid(*o) for o in opsets], **rest
    )


def with_reference(a_node, name, reference, kind):
    a_node.attribute.append(onnx.AttributeProto(name=name, ref_attr_name=reference, type=kind))
    return a_node


OPSETS = [("", 17), ("f", 1)]
FLOAT = onnx.AttributeProto.FLOAT


def test_function_attributes(imported):
    leaky = with_reference(node("LeakyRelu", ["a"], ["b"]), "alpha", "slope", FLOAT)
    inner = function("inner", ["a"], ["b"], [leaky], attributes=["slope"])
    call = with_reference(node("inner", ["a"], ["b"], domain="f"), "slope", "s", FLOAT)
    outer = function("outer", ["a"], ["b"], [call], attributes=["s"])
    default = function("default", ["a"], ["b"], [leaky], attribute_protos=[helper.make_attribute("slope", 0.75)])
    nodes = [
        node("outer", ["x"], ["t"], domain="f", s=0.25),
        node("outer", ["t"], ["u"], domain="f"),
        node("default", ["u"], ["v"], domain="f"),
        node("default", ["v"], ["y"], domain="f", slope=2.0),
    ]
    text = imported(model(nodes, opsets=OPSETS, functions=[inner, outer, default]))
    calls = [line.split("LeakyRelu")[1].split(" :")[0] for line in text.splitlines() if "LeakyRelu" in line]
    assert calls[0].endswith("{alpha = 2.500000e-01 : f32}") or "alpha = 2.5" in text
    assert "alpha = 2.500000e-01 : f32" in text
    assert 'onnx.node "LeakyRelu"(%0) : (!onnx.value)' in text  # neither given nor default
    assert "alpha = 7.500000e-01 : f32" in text and "alpha = 2.000000e+00 : f32" in text
    assert 'domain "f"' not in text
    # The caller's stated type of the result.
    assert "-> tensor<?xf32>" in text


def test_function_names_are_its_own(imported):
    f = function("f", ["a", "b"], ["c"], [node("Relu", ["a"], ["x"]), node("Add", ["x", "b"], ["c"])])
    nodes = [node("f", ["x"], ["t"], domain="f", name="call"), node("f", ["t", "x"], ["y"], domain="f")]
    text = imported(model(nodes, opsets=OPSETS, functions=[f]), "--locations")
    assert text.count("onnx.none") == 1  # the first call leaves 'b' out
    assert "\"node 'call/x' (Relu, opset 17)\"" in text
    assert "\"node 'y/c' (Add, opset 17)\"" in text


def test_function_opset(imported):
    f = function("f", ["a"], ["b"], [node("Relu", ["a"], ["b"])], opsets=[("", 13)])
    text = imported(model([node("f", ["x"], ["y"], domain="f")], opsets=OPSETS, functions=[f]))
    assert 'onnx.node "Relu" opset 13(%arg0)' in text


def test_function_overloads(imported):
    one = function("f", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    two = function("f", ["a"], ["b"], [node("Tanh", ["a"], ["b"])])
    two.overload = "two"
    call = node("f", ["x"], ["y"], domain="f")
    call.overload = "two"
    text = imported(model([call], opsets=OPSETS, functions=[one, two]))
    assert '"Tanh"' in text and '"Relu"' not in text


def test_function_with_graph_attribute(imported):
    """A graph given by the caller sees the caller's names, not the function's."""
    branch = graph("then", [node("Add", ["x", "t"], ["r"])], outputs=["r"])
    a_if = node("If", ["x"], ["b"])
    for name in "then_branch", "else_branch":
        with_reference(a_if, name, "branch", onnx.AttributeProto.GRAPH)
    # Inside, 'x' is the function's input and 't' something else.
    f = function("f", ["x"], ["b"], [node("Tanh", ["x"], ["t"]), a_if], attributes=["branch"])
    nodes = [node("Relu", ["x"], ["t"]), node("f", ["t"], ["y"], domain="f", branch=branch)]
    text = imported(model(nodes, opsets=OPSETS, functions=[f]))
    assert text.count('onnx.node "Add"(%arg0, %0)') == 2


def test_function_weights_are_shared(imported):
    value = helper.make_tensor("w", TensorProto.INT8, [20], range(20))
    f = function("f", ["a"], ["b"], [node("Constant", [], ["c"], value=value), node("Add", ["a", "c"], ["b"])])
    nodes = [node("f", ["x"], ["t"], domain="f"), node("f", ["t"], ["y"], domain="f")]
    text = imported(model(nodes, opsets=OPSETS, functions=[f]), "--full")
    assert text.count("dense_resource<w>") == 2 and "w_1" not in text

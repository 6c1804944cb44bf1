"""Broken and hostile files: one clear error, no crash, no hang."""

import os
import resource
import subprocess

import numpy as np
import onnx
import pytest
from conftest import F32, TOOL, model
from onnx import TensorProto, helper
from test_graphs import OPSETS, function, graph, node

RELU = [node("Relu", ["x"], ["y"])]
WEIGHT = [node("Identity", ["w"], ["y"])]


def weight(dims, data_type=F32, name="w", **fields):
    return TensorProto(name=name, dims=dims, data_type=data_type, **fields)


def external(**entries):
    tensor = weight([4], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return model(WEIGHT, initializer=[tensor])


@pytest.fixture(autouse=True)
def bounded_memory():
    """Each import of this file runs in 4 GiB of address space at most."""
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limit)


def test_files(imported):
    assert "cannot open the model: No such file" in imported.error(imported.folder / "none.onnx")
    assert "expected a file" in imported.error(imported.folder)
    assert "found 0 bytes" in imported.error(b"")
    os.mkfifo(imported.folder / "pipe")
    assert "expected a file" in imported.error(imported.folder / "pipe", timeout=10)
    for junk in b"\0", b"not a model\n", b"PK\3\4" + bytes(100), os.urandom(1000), bytes(1 << 20):
        assert "not an ONNX model, or truncated" in imported.error(junk)
    assert "not an ONNX model" in imported.error(onnx.ModelProto(ir_version=10))


def test_truncated(imported):
    data = model(RELU, initializer=[helper.make_tensor("w", F32, [50], range(50))]).SerializeToString()
    for size in range(1, len(data) - 20, 7):
        imported.error(data[:size])


def test_versions(imported):
    assert "expected an IR version between 1 and 14, found 15" in imported.error(model(RELU, ir_version=15))
    assert "found -1" in imported.error(model(RELU, ir_version=-1))
    assert "version 0, expected a positive one" in imported.error(model(RELU, opsets=[("", 0)]))
    assert "as version 17 and as version 18" in imported.error(model(RELU, opsets=[("", 17), ("ai.onnx", 18)]))
    assert "expected the model to import an operator set" in imported.error(model(RELU, opsets=[]))
    assert "the model needs version 1000 of operator set 'ai.onnx', the newest known is" in imported.error(model(RELU, opsets=[("", 1000)]))
    error = imported.error(model([node("Foo", ["x"], ["y"], domain="d")]))
    assert error == "node 'y' (d.Foo): operator set 'd' is not imported by the model"


@pytest.mark.parametrize(
    "tensor, message",
    [
        (weight([-1]), "has dimension -1"),
        (weight([2**62, 2**62]), "has a size that overflows 64 bits"),
        (weight([0, 2**62, 2**62]), "has a size that overflows 64 bits"),
        (weight([2**61]), "has a size that overflows 64 bits"),
        (weight([10**9]), "needs 4000000000 bytes by its shape, found 0"),
        (weight([1] * 1000 + [10**9]), "needs 4000000000 bytes by its shape, found 0"),
        (weight([2**40], TensorProto.STRING), "needs 1099511627776 strings by its shape, found 0"),
        (weight([2], raw_data=b"1234567"), "needs 8 bytes by its shape, found 7"),
        (weight([2], float_data=[1.0]), "needs 8 bytes by its shape, found 4"),
        (weight([2], int64_data=[1]), "needs 8 bytes by its shape, found 0"),
        (weight([1], float_data=[1.0], raw_data=b"1234"), "in more than one way"),
        (weight([1], TensorProto.INT8, int32_data=[300]), "holds 300, expected a value from -128 to 255"),
        (weight([1], TensorProto.UINT32, uint64_data=[2**32]), "holds 4294967296, expected a value from 0"),
        (weight([1], 99), "has data type 99"),
        (weight([1], 0), "has data type 0"),
        (weight([1], segment=TensorProto.Segment(begin=0, end=1)), "stored in segments"),
        (weight([1], float_data=[1.0], name=""), "expected an initializer to have a name"),
    ],
)
def test_tensors(imported, tensor, message):
    assert message in imported.error(model(WEIGHT, initializer=[tensor]))
    # The same as an attribute.
    if tensor.name:
        assert message in imported.error(model([node("Constant", [], ["y"], value=tensor)]))


def sparse(dims, values, indices, index_dims=None, name="w"):
    return helper.make_sparse_tensor(
        helper.make_tensor(name, F32, [len(values)], values),
        helper.make_tensor("i", TensorProto.INT64, index_dims or [len(indices)], indices),
        dims,
    )


@pytest.mark.parametrize(
    "tensor, message",
    [
        (sparse([10**6, 10**6], [1.0], [5]), "when dense, expected at most"),
        (sparse([2**62, 2**62], [1.0], [5]), "overflows 64 bits"),
        (sparse([-4], [1.0], [0]), "has dimension -4"),
        (sparse([4], [1.0], [4]), "has value 0 outside its shape"),
        (sparse([4], [1.0], [-1]), "has value 0 outside its shape"),
        (sparse([2, 2], [1.0], [0, 2], [1, 2]), "has value 0 outside its shape"),
        (sparse([4, 4], [1.0, 2.0], [0, 1], [1, 2]), "expects values [n] and int64 indices"),
    ],
)
def test_sparse_tensors(imported, tensor, message):
    assert message in imported.error(model(WEIGHT, sparse_initializer=[tensor]))


def test_many_sparse_tensors(imported):
    tensors = [sparse([2**27], [1.0], [5]) for _ in range(100)]
    for i, tensor in enumerate(tensors):
        tensor.values.name = f"w{i}"
    assert "in the whole model" in imported.error(model(RELU, sparse_initializer=tensors))


def test_external_data_is_confined(imported):
    inside = imported.folder / "model"
    inside.mkdir()
    (imported.folder / "secret").write_bytes(bytes(16))
    (inside / "weights").write_bytes(bytes(16))
    (inside / "link").symlink_to("../secret")
    (inside / "loop").symlink_to("loop")
    (inside / "fine").symlink_to("weights")
    (inside / "up").symlink_to("..")
    (inside / "folder").mkdir()
    os.mkfifo(inside / "pipe")
    run = lambda **entries: imported.error(imported.save(external(**entries), "model/model.onnx"))
    refused = "is refused: expected a path inside the model's folder"
    for location in "../secret", "/etc/passwd", "folder/../../secret", "weights/../../secret", "", "..":
        assert refused in run(location=location), location
    for location in "link", "up/secret":
        assert "is a link that leaves the model's folder" in run(location=location)
    assert "cannot be opened" in run(location="none")
    assert "cannot be opened" in run(location="loop")
    assert "is not a file" in run(location="folder")
    assert "is not a file" in run(location="pipe")
    assert refused in run(offset=0)  # no location at all
    for key in "offset", "length":
        for value in "-1", "x", "", "1e3", str(2**64):
            assert f"external data with {key} '{value}'" in run(location="weights", **{key: value})
    assert "has length 8" in run(location="weights", length=8)
    assert "which has 16" in run(location="weights", offset=4)
    assert "which has 16" in run(location="weights", offset=2**64 - 4)
    path = imported.save(external(location="fine"), "model/model.onnx")
    assert imported.run(path).returncode == 0
    in_memory = imported.run(path, "--memory")
    assert in_memory.returncode == 1 and b"a model in memory has no folder" in in_memory.stderr


def test_external_data_amplification(imported):
    (imported.folder / "w").write_bytes(bytes((64 << 20) + 8))
    tensors = []
    for i in range(100):
        tensor = weight([16 << 20], name=f"w{i}", data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="w")
        tensor.external_data.add(key="offset", value="1")
        tensors.append(tensor)
    assert "is referred to too often" in imported.error(model(RELU, initializer=tensors))
    for tensor in tensors:
        tensor.external_data[1].value = "8"  # aligned: all of them map it
    imported(model(RELU, initializer=tensors), "--quiet")


def test_names(imported):
    two = [node("Relu", ["x"], ["y"])] * 2
    assert imported.error(model(two)) == "node 'y' (Relu, opset 17): value 'y' is defined a second time"
    assert "value 'x' is defined a second time" in imported.error(model(RELU, ["x", "x"]))
    assert "value 'x' is defined a second time" in imported.error(model([node("Relu", ["x"], ["x"])], outputs=["x"]))
    same = [helper.make_tensor("w", F32, [1], [1.0])] * 2
    assert "value 'w' is defined a second time" in imported.error(model(RELU, initializer=same))
    assert "uses 'z', which nothing defines" in imported.error(model([node("Relu", ["z"], ["y"])]))
    assert "graph output 'z' is defined by nothing" in imported.error(model(RELU, outputs=["z"]))
    assert "expected the graph to have an output" in imported.error(model(RELU, outputs=[]))
    assert "expected a node to have an operator" in imported.error(model([node("", ["x"], ["y"])]))
    error = imported.error(model([node("Relu", ["z\n\x1b[31m"], ["y"], name="a\nb" + 500 * "n")]))
    assert "z??[31m" in error and len(error) < 400
    # A name of a branch is not visible outside.
    branch = graph("b", [node("Relu", ["x"], ["t"])], outputs=["t"])
    nodes = [node("If", ["x"], ["u"], then_branch=branch, else_branch=branch), node("Relu", ["t"], ["y"])]
    assert "uses 't', which nothing defines" in imported.error(model(nodes))


def test_order(imported):
    later = [node("Relu", ["t"], ["y"]), node("Relu", ["x"], ["t"])]
    assert "uses 't', which a later node defines: expected nodes in topological order" in imported.error(model(later))
    cycle = [node("Relu", ["x"], ["s"]), node("Add", ["s", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]
    assert "uses 'b', which depends on this node: the graph has a cycle" in imported.error(model(cycle))
    assert "has a cycle" in imported.error(model([node("Add", ["x", "y"], ["y"])]))
    # A cycle through what a branch captures.
    branch = graph("b", [node("Relu", ["c"], ["t"])], outputs=["t"])
    nodes = [node("If", ["x"], ["a"], then_branch=branch, else_branch=branch), node("Relu", ["a"], ["c"])]
    imported.error(model(nodes, outputs=["a"]))


def test_long_cycle(imported):
    count = 20000
    nodes = [node("Relu", [f"v{(i + 1) % count}"], [f"v{i}"]) for i in range(count)]
    assert "has a cycle" in imported.error(model(nodes, outputs=["v0"]))


def test_attributes(imported):
    twice = node("Relu", ["x"], ["y"], a=1)
    twice.attribute.append(twice.attribute[0])
    assert "attribute 'a' is given twice" in imported.error(model([twice]))
    nameless = node("Relu", ["x"], ["y"], a=1)
    nameless.attribute[0].name = ""
    assert "has no name" in imported.error(model([nameless]))
    empty = node("Relu", ["x"], ["y"])
    empty.attribute.add(name="a")
    assert "attribute 'a' has no type and no value" in imported.error(model([empty]))
    reference = node("Relu", ["x"], ["y"])
    reference.attribute.add(name="a", ref_attr_name="b", type=1)
    assert "but the node is in no function" in imported.error(model([reference]))


def test_types(imported):
    info = lambda dims, kind=F32: model(RELU, [helper.make_tensor_value_info("x", kind, dims)])
    assert "value 'x' has dimension -2" in imported.error(info([-2]))
    assert "overflows 64 bits" in imported.error(info([10**9] * 9))
    assert "value 'x' has element type 77" in imported.error(info([1], 77))
    imported(info([10**9]))  # large, but a size


def nested_branches(depth):
    inner = graph("g", [node("Relu", ["x"], ["t"])], outputs=["t"])
    for _ in range(depth):
        inner = graph("g", [node("If", ["x"], ["t"], then_branch=inner)], outputs=["t"])
    return model([node("If", ["x"], ["y"], then_branch=inner)])


def test_deep_subgraphs(imported):
    imported(nested_branches(25))
    # Python's protobuf cannot write more: nest by hand.
    data = graph("g", [node("Relu", ["x"], ["t"])], outputs=["t"]).SerializeToString()
    field = lambda number, value: bytes([number << 3 | 2]) + varint(len(value)) + value

    def varint(n):
        return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])

    for _ in range(3000):
        attribute = field(1, b"b") + field(6, data)
        data = field(1, field(4, b"If") + field(5, attribute))
    deep = b"\x08\x0a" + field(7, data)
    assert "not an ONNX model" in imported.error(deep)


def calls(*names):
    return [node(name, ["a"], [f"b{i}" if i + 1 < len(names) else "b"], domain="f") for i, name in enumerate(names)]


def call_model(functions, name="f0"):
    return model([node(name, ["x"], ["y"], domain="f")], opsets=OPSETS, functions=functions)


def test_recursive_functions(imported):
    one = function("f0", ["a"], ["b"], calls("f0"))
    assert "function 'f.f0' calls itself, expected no recursion" in imported.error(call_model([one]))
    ring = [function(f"f{i}", ["a"], ["b"], calls(f"f{(i + 1) % 5}")) for i in range(5)]
    assert "calls itself" in imported.error(call_model(ring))
    branch = graph("b", calls("f0"), outputs=["b"])
    hidden = function("f0", ["a"], ["c"], [node("If", ["a"], ["c"], then_branch=branch)])
    assert "calls itself" in imported.error(call_model([hidden]))


def test_function_explosions(imported):
    leaf = function("f40", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    doubling = [function(f"f{i}", ["a"], ["b"], calls(f"f{i + 1}", f"f{i + 1}")) for i in range(40)]
    too_many = "inlining the model's functions gives too many nodes"
    assert too_many in imported.error(call_model(doubling + [leaf]), timeout=60)
    # Few nodes, but large ones, with long names.
    leaf.node[0].name = "n" * 1000
    leaf.node[0].input.extend(["a"] * 10000)
    leaf.node[0].attribute.append(helper.make_attribute("ints", list(range(10000))))
    assert too_many in imported.error(call_model(doubling + [leaf]), timeout=60)
    del leaf.node[0].input[1:], leaf.node[0].attribute[:]
    chain = [function(f"f{i}", ["a"], ["b"], calls(f"f{i + 1}")) for i in range(5000)]
    leaf.name = "f5000"
    assert "nest more than" in imported.error(call_model(chain + [leaf]))


def test_functions(imported):
    relu = function("f0", ["a"], ["b"], [node("Relu", ["a"], ["b"])])
    assert "function 'f.f0' is defined twice" in imported.error(call_model([relu, relu]))
    bad = function("f0", ["a"], ["b"], [node("Relu", ["x"], ["b"])])
    assert imported.error(call_model([bad])) == (
        "node 'y/b' (Relu, opset 17): uses 'x', which nothing defines"
    )
    missing = function("f0", ["a"], ["c"], [node("Relu", ["a"], ["b"])])
    assert "does not define its output 'c'" in imported.error(call_model([missing]))
    m = call_model([relu])
    m.graph.node[0].input.append("x")
    assert "expects at most 1 inputs, found 2" in imported.error(m)
    m = call_model([relu])
    m.graph.node[0].output.append("z")
    assert "has 1 outputs, expected 2" in imported.error(m)
    m = call_model([relu])
    m.graph.node[0].attribute.add(name="k", type=2, i=1)
    assert "function 'f.f0' has no attribute 'k'" in imported.error(m)


def seed_model():
    branch = graph("b", [node("Add", ["x", "w"], ["t"])], outputs=["t"])
    f = function("f0", ["a"], ["b"], [node("Softmax", ["a"], ["b"], axis=-1)])
    return model(
        [
            node("Relu", ["x"], ["u"], name="first"),
            node("f0", ["u"], ["v"], domain="f"),
            node("If", ["v"], ["z"], then_branch=branch, else_branch=branch),
            node("Constant", [], ["c"], value=helper.make_tensor("c", TensorProto.INT4, [5], [1, 2, 3, 4, 5])),
            node("Concat", ["z", "c"], ["y"], axis=0),
        ],
        [helper.make_tensor_value_info("x", F32, ["n", 2, 3])],
        opsets=OPSETS,
        functions=[f],
        initializer=[helper.make_tensor("w", F32, [20], np.arange(20.0))],
        sparse_initializer=[sparse([3, 4], [1.0, 2.0], [0, 5], name="s")],
        value_info=[helper.make_tensor_value_info("u", F32, ["n", 2, 3])],
    )


def test_random_damage(imported):
    imported(seed_model())
    result = imported.run(imported.save(seed_model()), "--corrupt=8000", timeout=120)
    assert result.returncode == 0, (result.returncode, result.stderr)

"""mopt.backend apart from the compiler: by position, by name, and parameters that are
graph inputs. Sessions are stand-ins that answer by the onnx package's evaluator."""

import mopt.backend
import numpy as np
import onnx
import pytest
from mopt import CompileError
from onnx.reference import ReferenceEvaluator


class StandIn:
    """Refuses a Reshape whose shape is no constant, as a compiler of static ranks does."""

    made = []

    def __init__(self, model, **options):
        constants = {tensor.name for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Reshape" and node.input[1] not in constants:
                raise CompileError(3, [])
        self.model, self.evaluator = model, ReferenceEvaluator(model)
        StandIn.made.append(model)

    def get_inputs(self):
        return list(self.model.graph.input)

    def get_outputs(self):
        return list(self.model.graph.output)

    def run(self, names, feed):
        return self.evaluator.run(names, feed)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    StandIn.made = []
    monkeypatch.setattr(mopt.backend, "InferenceSession", StandIn)


def test_run_node_infers_the_outputs():
    node = onnx.helper.make_node("Add", ["a", "b"], ["c"])
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    outputs = mopt.backend.run_node(node, [a, a])
    np.testing.assert_array_equal(outputs.c, a + a)


def test_run_by_position_by_name_and_count():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[2] a, float[2] b) => (float[2] c)'
        " { c = Sub(a, b) }")
    prepared = mopt.backend.prepare(model)
    a, b = np.array([3, 4], np.float32), np.array([1, 1], np.float32)
    np.testing.assert_array_equal(prepared.run([a, b])[0], [2, 3])
    np.testing.assert_array_equal(prepared.run({"b": b, "a": a})[0], [2, 3])
    with pytest.raises(ValueError, match="expected 2 inputs, found 1"):
        prepared.run([a])


def test_parameters_that_are_inputs_become_constants():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[6] a, int64[2] s) => (float[M, N] c)'
        " { c = Reshape(a, s) }")
    prepared = mopt.backend.prepare(model)
    a = np.arange(6, dtype=np.float32)
    for shape in ([2, 3], [3, 2], [2, 3]):
        assert prepared.run([a, np.array(shape, np.int64)])[0].shape == tuple(shape)
    assert len(StandIn.made) == 2
    # The caller's model is untouched.
    assert len(model.graph.input) == 2


def test_a_refusal_without_parameters_is_passed_on():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[6] a, int64[N] s) => (float[M, K] c)'
        " { c = Reshape(a, s) }")
    with pytest.raises(CompileError):
        mopt.backend.prepare(model)


def test_sequences_are_compiled_for_their_entries():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (seq(float[N]) s, float[N] x) => (seq(float[N]) t)'
        " { t = SequenceInsert(s, x) }")
    prepared = mopt.backend.prepare(model)
    x = np.arange(2, dtype=np.float32)
    for length in (0, 2, 2):
        assert len(prepared.run([[x] * length, x])[0]) == length + 1
    assert len(StandIn.made) == 2
    assert [value.name for value in StandIn.made[1].graph.input] == ["x", "s.0", "s.1"]


def test_an_optional_may_be_empty():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 18]> g (optional(float[N]) o) => (bool b)'
        " { b = OptionalHasElement(o) }")
    prepared = mopt.backend.prepare(model)
    prepared.run([np.zeros(3, np.float32)])
    prepared.run([None])
    present, empty = (variant.graph for variant in StandIn.made)
    assert [value.name for value in present.input] == ["o"] and len(present.node) == 1
    assert not empty.input and empty.node[0].op_type == "Optional"


def test_outputs_are_grouped():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 18]> g (float[N] x)'
        " => (seq(float[N]) s, float[N] y, seq(float[N]) e, optional(float[N]) o) { y = Abs(x) }")
    grouped = mopt.backend.group_outputs(model.graph, ["s.0", "s.1", "y"], [1, 2, 3])
    assert grouped == [[1, 2], 3, [], None]


def test_devices():
    assert mopt.backend.supports_device("CPU")
    assert not mopt.backend.supports_device("CUDA")

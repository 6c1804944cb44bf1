"""The cases of the onnx package's conformance suite as plain records: the node
tests, which the package generates in memory, and the model tests it stores."""

import glob
import os
import warnings
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnx.backend.test
from onnx.backend.test import loader

STORED_KINDS = ["simple", "pytorch-converted", "pytorch-operator", "real"]


@dataclass
class Case:
    name: str
    kind: str
    operator: str
    # A node test whose operator is replaced by its ONNX function body.
    expanded: bool
    rtol: float
    atol: float
    model: onnx.ModelProto = None
    data_sets: list = field(default_factory=list)


def load():
    """All cases, sorted by name within their kind."""
    cases = []
    with warnings.catch_warnings():
        # Overflow and the like, while the package computes what it expects.
        warnings.simplefilter("ignore")
        nodes = {test.name: test for test in loader.load_node_model_tests()}
    for name in sorted(nodes):
        test = nodes[name]
        base, mark, _ = name.partition("_expanded")
        # The base test tells which operator the primitives stand for.
        operator = _operator(nodes.get(base, test).model, base)
        sets = [([_value(v) for v in inputs], [_value(v) for v in outputs])
                for inputs, outputs in test.data_sets]
        cases.append(Case(name, "node", operator, bool(mark), test.rtol, test.atol,
                          test.model, sets))
    for kind in STORED_KINDS:
        tests = loader.load_model_tests(kind=kind)
        for test in sorted(tests, key=lambda test: test.name):
            cases.append(_stored(test, kind))
    return cases


def _operator(model, name):
    """The operator that a node test is about: the one its name says, or the only one."""
    kinds = [node.op_type for node in model.graph.node]
    squeezed = name.replace("_", "")
    named = [kind for kind in kinds if kind.lower() in squeezed]
    others = [kind for kind in kinds if kind != "Constant"]
    return max(named, key=len) if named else (others or kinds)[0]


def _value(value):
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _stored(test, kind):
    case = Case(test.name, kind, f"({kind})", False, test.rtol, test.atol)
    if test.model_dir is None:
        _fill_light(case, test)
        return case
    case.model = onnx.load(os.path.join(test.model_dir, "model.onnx"))
    initializers = {tensor.name for tensor in case.model.graph.initializer}
    inputs = [v for v in case.model.graph.input if v.name not in initializers]
    for folder in sorted(glob.glob(os.path.join(test.model_dir, "test_data_set*"))):
        case.data_sets.append((_protos(folder, "input", inputs),
                               _protos(folder, "output", case.model.graph.output)))
    return case


def _fill_light(case, test):
    """The weightless models: the input is arange(n) / n, the outputs are stored."""
    root = os.path.join(os.path.dirname(onnx.backend.test.__file__), "data", "light")
    path = os.path.join(root, os.path.basename(test.url))
    case.model = onnx.load(path)
    initializers = {tensor.name for tensor in case.model.graph.initializer}
    inputs = []
    for value in case.model.graph.input:
        if value.name not in initializers:
            shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            count = int(np.prod(shape))
            inputs.append((np.arange(count).reshape(shape) / count).astype(np.float32))
    outputs = [_proto(f"{path.removesuffix('.onnx')}_output_{index}.pb", value.type)
               for index, value in enumerate(case.model.graph.output)]
    case.data_sets.append((inputs, outputs))


def _protos(folder, stem, values):
    count = len(glob.glob(os.path.join(folder, f"{stem}_*.pb")))
    return [_proto(os.path.join(folder, f"{stem}_{index}.pb"), values[index].type)
            for index in range(count)]


def _proto(path, value_type):
    with open(path, "rb") as file:
        data = file.read()
    if value_type.HasField("sequence_type"):
        return onnx.numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if value_type.HasField("optional_type"):
        return onnx.numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(data))


def with_dynamic_sizes(model):
    """A copy in which the sizes of inputs are names, each of its own, and nothing is said of
    outputs but their types. Lists of integers stay: they are often parameters, whose length
    is a rank."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    initialized = {tensor.name for tensor in copy.graph.initializer}
    for value in copy.graph.input:
        tensor = value.type.tensor_type
        if (value.type.WhichOneof("value") != "tensor_type" or value.name in initialized
                or (len(tensor.shape.dim) == 1 and tensor.elem_type in (6, 7))):
            continue
        for index, dim in enumerate(tensor.shape.dim):
            if not dim.dim_param:
                dim.dim_param = f"{value.name}_{index}"
    for value in copy.graph.output:
        if value.type.WhichOneof("value") == "tensor_type":
            value.type.tensor_type.ClearField("shape")
    return copy

"""mopt as an onnx.backend.base.Backend."""

import onnx
from onnx.backend.base import Backend, BackendRep, namedtupledict

from ._compile import CompileError
from ._specialize import (SpecializingSession, group_outputs, list_inputs,
                          parameter_inputs)
from .session import InferenceSession

_UNSUPPORTED = 3


class PreparedModel(BackendRep):
    """A compiled model that takes its inputs by position."""

    def __init__(self, session, inputs, outputs, group=None):
        self.session = session
        self._inputs, self._outputs, self._group = inputs, outputs, group

    def run(self, inputs, **kwargs):
        """Outputs for a list of inputs, a dictionary by name, or a single array."""
        if isinstance(inputs, dict):
            feed = inputs
        else:
            values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
            if len(values) != len(self._inputs):
                raise ValueError(f"expected {len(self._inputs)} inputs, found {len(values)}")
            feed = dict(zip(self._inputs, values))
        outputs = self.session.run(None, feed)
        if self._group:
            outputs = self._group(outputs)
        return namedtupledict("Outputs", self._outputs)(*outputs)


class MoptBackend(Backend):
    @classmethod
    def prepare(cls, model, device="CPU", **options):
        """Compiles a ModelProto, a path or bytes; options are those of `mopt.compile`,
        and `threads`. A model that does not compile because its parameters are graph
        inputs is compiled by `run`, for their values; so is one that takes sequences
        or optionals, for what they consist of."""
        if not cls.supports_device(device):
            raise ValueError(f"expected device 'CPU', found '{device}'")
        proto = _proto(model)
        if not list_inputs(proto):
            try:
                session = InferenceSession(model, **options)
                names = [value.name for value in session.get_outputs()]
                return PreparedModel(
                    session, [value.name for value in session.get_inputs()],
                    [value.name for value in proto.graph.output],
                    lambda values: group_outputs(proto.graph, names, values))
            except CompileError as error:
                if error.exit_code != _UNSUPPORTED or not parameter_inputs(proto):
                    raise
        session = SpecializingSession(proto, parameter_inputs(proto),
                                      lambda variant: InferenceSession(variant, **options))
        return PreparedModel(session, *session.names())

    @classmethod
    def run_model(cls, model, inputs, device="CPU", **options):
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(cls, node, inputs, device="CPU", outputs_info=None, opset_version=None, **options):
        """Runs one node: a model is made around it, its types from the inputs."""
        names = [name for name in node.input if name]
        values = dict(zip(names, inputs))
        graph_inputs = [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in values.items()]
        if outputs_info is not None:
            outputs = [onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(dtype), shape)
                for name, (dtype, shape) in zip(node.output, outputs_info)]
        else:
            outputs = [onnx.helper.make_empty_tensor_value_info(name)
                       for name in node.output if name]
        graph = onnx.helper.make_graph([node], "node", graph_inputs, outputs)
        opset = onnx.helper.make_opsetid(node.domain,
                                         opset_version or onnx.defs.onnx_opset_version())
        model = onnx.helper.make_model(graph, opset_imports=[opset])
        if outputs_info is None:
            model = onnx.shape_inference.infer_shapes(model)
        return cls.prepare(model, device, **options).run(list(values.values()))

    @classmethod
    def supports_device(cls, device):
        return device.split(":")[0] == "CPU"


def _proto(model):
    if isinstance(model, onnx.ModelProto):
        return model
    return onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(model)


is_compatible = MoptBackend.is_compatible
prepare = MoptBackend.prepare
run = MoptBackend.run_model
run_model = MoptBackend.run_model
run_node = MoptBackend.run_node
supports_device = MoptBackend.supports_device

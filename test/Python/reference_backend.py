"""The onnx package's own evaluator behind the backend interface: what the runner of
the conformance tests is itself tested with."""

import onnx
from onnx.backend.base import Backend, BackendRep
from onnx.reference import ReferenceEvaluator


class _Prepared(BackendRep):
    def __init__(self, model):
        self._evaluator = ReferenceEvaluator(model)
        # Before IR version 4 initializers are among the inputs.
        weights = {tensor.name for tensor in model.graph.initializer}
        self._names = [name for name in self._evaluator.input_names if name not in weights]

    def run(self, inputs, **kwargs):
        return self._evaluator.run(None, dict(zip(self._names, inputs)))


class ReferenceBackend(Backend):
    @classmethod
    def prepare(cls, model: onnx.ModelProto, device="CPU", **kwargs):
        return _Prepared(model)

    @classmethod
    def supports_device(cls, device):
        return device == "CPU"


prepare = ReferenceBackend.prepare
supports_device = ReferenceBackend.supports_device

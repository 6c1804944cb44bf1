"""Checking a model's compiled answers against ONNX Runtime's."""

import os
import tempfile
from dataclasses import dataclass

from . import agreement
from ._compile import model_path
from ._inputs import random_inputs
from .peers import onnxruntime_session
from .session import InferenceSession


@dataclass
class Verification:
    """Differences by output, in order; `first` is the first that does not agree."""

    differences: list

    @property
    def agrees(self):
        return all(difference.agrees for difference in self.differences)

    @property
    def first(self):
        return next((d for d in self.differences if not d.agrees), None)

    def __bool__(self):
        return self.agrees

    def __str__(self):
        width = max(len(d.name) for d in self.differences)
        return "\n".join(
            f"{d.name:<{width}}  error {d.error:.3g}  relative {d.relative:.3g}  "
            f"allowed {d.allowed:.3g}  {'ok' if d.agrees else 'DIFFERS: ' + d.message}"
            for d in self.differences)


def verify(model, inputs=None, against="onnxruntime", per_layer=False, dims=None, threads=1,
           library=None, **options):
    """Compiles `model` (or takes `library`, compiled of it) and compares every output with
    ONNX Runtime's. `per_layer` compares the values between all nodes, in their order."""
    if against != "onnxruntime":
        raise ValueError(f"expected against='onnxruntime', found '{against}'")
    with tempfile.TemporaryDirectory(prefix="mopt-") as folder:
        path = model_path(model, folder)
        if per_layer:
            path, library = _with_all_values(path, folder), None
        plain = onnxruntime_session(path, optimized=False, threads=threads)
        if inputs is None:
            inputs = random_inputs(plain.get_inputs(), dims)
        names = [output.name for output in plain.get_outputs()]
        exact = plain.run(None, inputs)
        del plain
        optimized = onnxruntime_session(path, optimized=True, threads=threads).run(None, inputs)
        session = InferenceSession(library or path, threads=threads,
                                   **({} if library else dict(options, dims=dims)))
        got = session.run(names, inputs)
        session.close()
    reference = agreement.Reference(names, exact, optimized)
    return Verification(agreement.compare(got, reference))


def _with_all_values(path, folder):
    """The model with every value that a node of the main graph makes as an output."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {value.name: value for value in inferred.graph.value_info}
    ends = {value.name: value for value in model.graph.output}
    order = [name for node in model.graph.node for name in node.output if name]
    del model.graph.output[:]
    # Values of unknown type cannot be outputs; they show in what is made of them.
    model.graph.output.extend(
        (known | ends)[name] for name in order
        if name in ends or name in known and known[name].type.HasField("tensor_type"))
    # External data is found by its path relative to the model's.
    where = os.path.dirname(os.path.abspath(path)) if _has_external_data(model) else folder
    file = tempfile.NamedTemporaryFile(dir=where, prefix="mopt-", suffix=".onnx", delete=False)
    with file:
        file.write(model.SerializeToString())
    if where != folder:
        import atexit

        atexit.register(os.unlink, file.name)
    return file.name


def _has_external_data(model):
    return any(tensor.external_data for tensor in model.graph.initializer)

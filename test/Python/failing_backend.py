"""A backend that fails in every way the runner of the conformance tests tells apart,
chosen by the model's operator; the rest it answers by the reference evaluator."""

import os
import time

import reference_backend


class Refusal(Exception):
    def __init__(self, exit_code):
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code


class _Shifted:
    def __init__(self, prepared):
        self._prepared = prepared

    def run(self, inputs):
        return [value + 1 for value in self._prepared.run(inputs)]


def prepare(model, device="CPU"):
    operator = model.graph.node[0].op_type
    if operator == "Acos":
        os.abort()
    if operator == "Asin":
        time.sleep(1000)
    if operator in ("Atan", "Cosh", "Sinh"):
        raise Refusal({"Atan": 3, "Cosh": 1, "Sinh": -11}[operator])
    prepared = reference_backend.prepare(model)
    return _Shifted(prepared) if operator == "Cos" else prepared

"""The models of models.json: where their files are and what to feed them."""

import json
import os

import numpy as np

from models import seeded

_HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_DIRECTORY = os.path.join(os.path.dirname(_HERE), "build", "models")


class Model:
    """One entry of models.json.

    A case is a dictionary of dimension values by name (and, under "values", of
    constants that override an input's rule); the default one is the benchmark's.
    """

    def __init__(self, entry):
        self.entry = entry
        self.name = entry["name"]
        self.argmax = entry.get("argmax")
        self.argmax_axis = entry.get("argmax_axis", -1)
        self.tolerance = entry["tolerance"]
        # Whether it is small enough for every run of the tests.
        self.quick = entry.get("quick", False)
        # The name of the model of floats that it is made from, if it is quantized.
        self.original = entry["source"].get("quantized")

    def file(self, variant="static", directory=DEFAULT_DIRECTORY):
        """The path of the "static" or "dynamic" file."""
        return os.path.join(directory, self.entry["files"][variant])

    def cases(self):
        """The benchmark's dimensions, then the others that the dynamic file is tried at."""
        return [dict(self.entry["dims"])] + [dict(case) for case in self.entry["dynamic_cases"]]

    def shapes(self, case=None):
        """Input shapes by name at a case's dimensions."""
        dims = dict(self.entry["dims"], **(case or {}))
        return {spec["name"]: [dims[d] if isinstance(d, str) else d for d in spec["shape"]]
                for spec in self.entry["inputs"]}

    def static_shapes(self):
        """Input shapes of the static file. A dimension under "static_except" stays
        symbolic: fixed, it would make a branch that is not taken invalid."""
        dims = dict(self.entry["dims"])
        dims.update({name: name for name in self.entry.get("static_except", [])})
        return {spec["name"]: [dims[d] if isinstance(d, str) else d for d in spec["shape"]]
                for spec in self.entry["inputs"]}

    def inputs(self, case=None, seed=0):
        """Seeded input arrays by name; the same for the same case and seed anywhere."""
        dims = dict(self.entry["dims"], **(case or {}))
        constants = (case or {}).get("values", {})
        shapes = self.shapes(case)
        made = {}
        for spec in self.entry["inputs"]:
            name, rule = spec["name"], spec["values"]
            if name in constants:
                rule = {"constant": constants[name]}
            key = f"{self.original or self.name}/input/{name}/{seed}"
            made[name] = _values(rule, key, shapes[name], np.dtype(spec["dtype"]), dims)
        return made


def _values(rule, key, shape, dtype, dims):
    (kind, argument), = rule.items()
    if kind == "uniform":
        return seeded.uniform(key, shape, *argument).astype(dtype)
    if kind == "integers":
        return seeded.integers(key, shape, *argument, dtype=dtype)
    if kind == "constant":
        return np.full(shape, argument, dtype)
    if kind == "iota":
        # Counts along the last axis from a dimension's value: positions after a cache.
        return np.broadcast_to(dims[argument] + np.arange(shape[-1], dtype=dtype), shape).copy()
    if kind == "ragged":
        # A padding mask whose row r ends 3 r before the full length.
        lengths = np.maximum(1, shape[1] - 3 * np.arange(shape[0]))
        return (np.arange(shape[1]) < lengths[:, None]).astype(dtype)
    raise ValueError(f"models.json: unknown rule '{kind}' for '{key}'")


def _quantized(entry, recipe):
    """The entry of a model that is made from another one; its sizes are fixed."""
    name = f"{entry['name']}.{recipe}"
    return dict(entry, name=name, quick=False, tolerance="quantized",
                source={"quantized": entry["name"], "recipe": recipe},
                files={"static": f"{name}.onnx"}, dynamic_cases=[])


def load(quantized=False):
    """All models, in the order of the file; with `quantized` what is made from them."""
    with open(os.path.join(_HERE, "models.json"), encoding="utf-8") as file:
        content = json.load(file)
    if not quantized:
        return [Model(entry) for entry in content["models"]]
    entries = {entry["name"]: entry for entry in content["models"]}
    return [Model(_quantized(entries[name], recipe)) for group in content["quantized"]
            for name in group["of"] for recipe in group["recipes"]]


def select(names):
    """The named models, all but the quantized ones when no name is given; "quantized"
    stands for all of those."""
    if not names:
        return load()
    models = load() + load(quantized=True)
    if "quantized" in names:
        at = names.index("quantized")
        names = [*names[:at], *(model.name for model in load(quantized=True)), *names[at + 1:]]
    known = {model.name: model for model in models}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SystemExit(f"unknown model '{unknown[0]}'; known: {' '.join(known)}")
    return [known[name] for name in names]

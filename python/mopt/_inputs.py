"""Inputs for a model: given in files, or seeded random ones by its specification."""

import os

import numpy as np


def random_inputs(model_inputs, dims=None, seed=0):
    """Arrays by name for `get_inputs()` of a session. A dynamic dimension takes its
    size from `dims` by name, else 1; integers are small, so that most indices fit."""
    generator = np.random.default_rng(seed)
    feed = {}
    for value in model_inputs:
        shape = [size if isinstance(size, int) and size >= 0 else (dims or {}).get(size, 1)
                 for size in value.shape]
        kind = value.type.removeprefix("tensor(").removesuffix(")")
        feed[value.name] = _random(generator, kind, shape)
    return feed


def _random(generator, kind, shape):
    if kind in ("float", "double", "float16"):
        dtype = {"float": np.float32, "double": np.float64, "float16": np.float16}[kind]
        return generator.uniform(-1, 1, shape).astype(dtype)
    if kind == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if kind == "string":
        return np.full(shape, "text", object)
    if kind.startswith(("int", "uint")) and kind not in ("int4", "uint4", "int2", "uint2"):
        return generator.integers(0, 8, shape).astype(kind)
    import ml_dtypes

    names = {"float8e4m3fn": "float8_e4m3fn", "float8e4m3fnuz": "float8_e4m3fnuz",
             "float8e5m2": "float8_e5m2", "float8e5m2fnuz": "float8_e5m2fnuz",
             "float8e8m0": "float8_e8m0fnu", "float4e2m1": "float4_e2m1fn"}
    dtype = getattr(ml_dtypes, names.get(kind, kind))
    return generator.uniform(0, 1, shape).astype(np.float32).astype(dtype)


def read_inputs(arguments, model_inputs):
    """Arrays by name from `name=file.npy`, `name=file.pb` (a TensorProto), `file.npz`."""
    feed = {}
    names = [value.name for value in model_inputs]
    for argument in arguments:
        name, equals, path = argument.partition("=")
        if not equals:
            name, path = None, argument
        if path.endswith(".npz"):
            with np.load(path) as archive:
                feed.update({key: archive[key] for key in archive.files})
            continue
        if name is None:
            name = next((n for n in names if n not in feed), os.path.basename(path))
        feed[name] = _read(path)
    return feed


def _read(path):
    if path.endswith(".npy"):
        return np.load(path)
    import onnx

    with open(path, "rb") as file:
        return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))

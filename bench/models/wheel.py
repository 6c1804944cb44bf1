"""Models that pinned wheels carry as ONNX files. The packages are located, never
imported: some import frameworks that are not installed."""

import importlib.util
import os

import onnx


def make(package, file):
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ValueError(f"package '{package}' is not installed; see python/requirements-test.txt")
    return onnx.load(os.path.join(spec.submodule_search_locations[0], file))

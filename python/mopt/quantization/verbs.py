"""python -m mopt calibrate, quantize and prune: the functions of these names on files."""

import glob
import json
import sys

import numpy as np

from .calibrate import calibrate
from .options import MODES
from .prune import METHODS as PRUNING_METHODS
from .prune import prune
from .quantize import quantize
from .ranges import METHODS, PERCENTILE
from .report import AccuracyError

EXIT_ACCURACY = 4


def add_quantize(sub):
    """The options of the verb, on an argparse parser that has `model`."""
    _add_files(sub)
    sub.add_argument("--mode", choices=MODES, default=MODES[0])
    sub.add_argument("--method", choices=METHODS, default=METHODS[0], help="how ranges are chosen")
    sub.add_argument("--percentile", type=float, default=PERCENTILE)
    sub.add_argument("--per-tensor", action="store_true", help="one scale for all of the weights")
    sub.add_argument("--asymmetric", action="store_true", help="weights with zero points")
    sub.add_argument("--symmetric-activations", action="store_true")
    sub.add_argument("--activation-type", choices=("uint8", "int8"), default="uint8")
    sub.add_argument("--group", type=int, default=0, help="positions of the depth to a scale")
    sub.add_argument("--no-bias-correction", action="store_true")
    sub.add_argument("--equalize", action="store_true", help="cross-layer equalization")
    sub.add_argument("--no-compensation", action="store_true",
                     help="round each of 4-bit weights by itself")
    sub.add_argument("--max-drop", type=float,
                     help="exclude layers until the relative error is no more; else exit 4")
    sub.add_argument("--no-sensitivity", action="store_true",
                     help="leave out the measurement of each layer")


def quantize_verb(options, rest):
    return _finish(options, lambda: quantize(
        options.model, read_data(options.data), None, options.mode, options.method,
        per_channel=not options.per_tensor, symmetric=not options.asymmetric,
        symmetric_activations=options.symmetric_activations,
        activation_type=options.activation_type, percentile=options.percentile,
        group=options.group, bias_correction=not options.no_bias_correction,
        equalize=options.equalize, compensate=not options.no_compensation,
        exclude=options.exclude, max_drop=options.max_drop,
        sensitivity=not options.no_sensitivity, threads=options.threads))


def add_prune(sub):
    _add_files(sub)
    sub.add_argument("--pattern", default="2:4", help="N:M, or unstructured:SHARE of zeros")
    sub.add_argument("--method", choices=PRUNING_METHODS,
                     help="by default sparsegpt with data, else magnitude")
    sub.add_argument("--no-bias-correction", action="store_true")
    sub.add_argument("--no-refinement", action="store_true",
                     help="leave out the descent on the distance to the float model")


def prune_verb(options, rest):
    return _finish(options, lambda: prune(
        options.model, read_data(options.data), None, options.pattern, options.method,
        exclude=options.exclude, bias_correction=not options.no_bias_correction,
        refine=not options.no_refinement, threads=options.threads))


def add_calibrate(sub):
    sub.add_argument("-o", "--output", required=True, help="the JSON file to write")
    sub.add_argument("--data", action="append", default=[], metavar="X.npz", required=True,
                     help="inputs of one run by name; repeatable, may have *")
    sub.add_argument("--method", choices=METHODS, default=METHODS[0], help="how ranges are chosen")
    sub.add_argument("--percentile", type=float, default=PERCENTILE)
    sub.add_argument("--equalize", action="store_true",
                     help="of a model, not a library: cross-layer equalization")
    sub.add_argument("--threads", type=int, default=0)


def calibrate_verb(options, rest):
    result = calibrate(options.model, read_data(options.data), options.output, options.method,
                       percentile=options.percentile, equalize=options.equalize,
                       threads=options.threads)
    print(f"{len(result['layers'])} layers, {result['runs']} runs")
    return 0


def _add_files(sub):
    sub.add_argument("-o", "--output", required=True, help="the ONNX file to write")
    sub.add_argument("--data", action="append", default=[], metavar="X.npz",
                     help="inputs by name, of one run or of many; repeatable, may have *")
    sub.add_argument("--exclude", action="append", default=[], metavar="LAYER",
                     help="a layer, or all of an operator, to leave alone; repeatable")
    sub.add_argument("--report", metavar="FILE", help="write the report as JSON")
    sub.add_argument("--threads", type=int, default=0)


def _finish(options, make):
    code = 0
    try:
        result = make()
    except AccuracyError as error:
        print(f"error: {error}", file=sys.stderr)
        result, code = error.result, EXIT_ACCURACY
    if code == 0:
        result.save(options.output)
    if result is not None:
        print(result)
        if options.report:
            with open(options.report, "w", encoding="utf-8") as file:
                json.dump(result.as_dict(), file, indent=1)
    return code


def read_data(patterns):
    """Dictionaries of arrays out of .npz files, or None without any."""
    if not patterns:
        return None
    runs = []
    for pattern in patterns:
        paths = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
        if not paths:
            raise ValueError(f"no file is called '{pattern}'")
        for path in paths:
            with np.load(path) as archive:
                if not hasattr(archive, "files"):
                    raise ValueError(f"expected an .npz file with names, found '{path}'")
                runs.append({name: archive[name] for name in archive.files})
    return runs

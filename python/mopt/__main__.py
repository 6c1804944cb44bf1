"""python -m mopt compile|run|check|bench|verify|calibrate|quantize|prune|inspect"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from . import _bench, _compile, _verify, peers
from ._inputs import random_inputs, read_inputs
from ._model import RunError
from .session import InferenceSession


def _dims(arguments):
    return {name: int(size) for name, _, size in (text.partition("=") for text in arguments)}


def _compile_verb(options, rest):
    """All options are mopt-compile's own."""
    return subprocess.call([_compile.tool("mopt-compile"), *rest])


def _check_verb(options, rest):
    """Compiles as far as every node has been looked at, and no further."""
    with tempfile.TemporaryDirectory(prefix="mopt-") as folder:
        try:
            _compile.invoke(options.model, os.path.join(folder, "model.mlir"),
                            ["--emit=graph", *rest])
        except _compile.CompileError as error:
            for diagnostic in error.diagnostics:
                print(f"{options.model}: {diagnostic}")
            return error.exit_code if error.exit_code > 0 else 5
    print(f"{options.model}: every node is supported")
    return 0


def _session(options):
    if options.model.endswith(".so"):
        return InferenceSession(options.model, threads=options.threads)
    return InferenceSession(options.model, threads=options.threads, dims=_dims(options.dim))


def _feed(options, inputs):
    feed = random_inputs(inputs, _dims(options.dim), options.seed)
    feed.update(read_inputs(options.input, inputs))
    return feed


def _run_verb(options, rest):
    session = _session(options)
    feed = _feed(options, session.get_inputs())
    start = time.perf_counter()
    outputs = session.run(None, feed)
    seconds = time.perf_counter() - start
    names = [value.name for value in session.get_outputs()]
    if options.output:
        np.savez(options.output, **dict(zip(names, outputs)))
    for name, value in zip(names, outputs):
        print(f"{name}: {value.dtype}{list(value.shape)}")
        with np.printoptions(threshold=16, edgeitems=4):
            print(value)
    print(f"time: {1000 * seconds:.3f} ms", file=sys.stderr)
    return 0


def _bench_verb(options, rest):
    engines = ["mopt"] + [name for name in options.compare.split(",") if name]
    results = []
    with tempfile.TemporaryDirectory(prefix="mopt-") as folder:
        library = os.path.join(folder, "model.so")
        if options.model.endswith(".so"):
            library = options.model
            if len(engines) > 1:
                print("a compiled library cannot be compared: give the model", file=sys.stderr)
                return 2
        else:
            _compile.compile(options.model, library, dims=_dims(options.dim))
        session = InferenceSession(library, threads=1)
        feed = _feed(options, session.get_inputs())
        session.close()
        models = {engine: library if engine == "mopt" else options.model for engine in engines}
        for threads in (int(count) for count in options.threads.split(",")):
            results += _bench.bench(models, feed, threads, options.rounds).values()
    if options.json:
        print(json.dumps({"cpu": peers.cpu_description(),
                          "results": [timing.as_dict() for timing in results]}, indent=1))
        return 0
    for t in results:
        print(f"{t.engine:<12} {t.threads} threads: " + (t.error or (
            f"median {t.median_ms:.3f} ms, min {t.min_ms:.3f}, p99 {t.p99_ms:.3f}, "
            f"first {t.first_ms:.3f}, {t.runs} runs, load {t.load_s:.2f} s, "
            f"peak {t.peak_mib:.0f} MiB")))
    return 0


def _verify_verb(options, rest):
    from .peers import onnxruntime_session

    inputs = onnxruntime_session(options.model, optimized=False).get_inputs()
    result = _verify.verify(options.model, _feed(options, inputs), options.against,
                            options.per_layer, _dims(options.dim), options.threads,
                            options.library)
    print(result)
    if not result and options.per_layer:
        print(f"first layer that differs: {result.first.name}")
    return 0 if result else 1


def _inspect_verb(options, rest):
    if options.model.endswith(".so"):
        session = InferenceSession(options.model, threads=1)
        info = session.build_info
        values = {"inputs": session.get_inputs(), "outputs": session.get_outputs()}
    else:
        import collections

        import onnx

        model = onnx.load(options.model, load_external_data=False)
        counts = collections.Counter(node.op_type for node in model.graph.node)
        info = {"ir_version": model.ir_version, "producer": model.producer_name,
                "opsets": {o.domain or "ai.onnx": o.version for o in model.opset_import},
                "nodes": len(model.graph.node), "operators": dict(counts.most_common())}
        session = peers.onnxruntime_session(options.model, optimized=False)
        values = {"inputs": session.get_inputs(), "outputs": session.get_outputs()}
    for kind, args in values.items():
        info[kind] = [{"name": v.name, "type": v.type, "shape": v.shape} for v in args]
    print(json.dumps(info, indent=1))
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m mopt", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name, function, help_text, model=True):
        sub = verbs.add_parser(name, help=help_text, add_help=model)
        sub.set_defaults(function=function)
        if model:
            sub.add_argument("model")
        return sub

    def fed(sub, threads):
        sub.add_argument("--input", action="append", default=[],
                         help="name=file.npy, name=file.pb or file.npz; random where not given")
        sub.add_argument("--dim", action="append", default=[], help="name=size")
        sub.add_argument("--seed", type=int, default=0)
        sub.add_argument("--threads", **threads)

    verb("compile", _compile_verb, "compile a model (options of mopt-compile)", model=False)
    verb("check", _check_verb, "list every unsupported node before any work")
    run = verb("run", _run_verb, "run a model or a compiled library")
    fed(run, {"type": int, "default": 0})
    run.add_argument("--output", help="file.npz for the outputs")
    bench = verb("bench", _bench_verb, "time a model, beside other engines")
    fed(bench, {"default": "1,2", "help": "counts, with commas"})
    bench.add_argument("--compare", default="", help="onnxruntime,openvino")
    bench.add_argument("--rounds", type=int, default=_bench.ROUNDS)
    bench.add_argument("--json", action="store_true")
    verify = verb("verify", _verify_verb, "compare a model's outputs with another engine's")
    fed(verify, {"type": int, "default": 1})
    verify.add_argument("--against", default="onnxruntime")
    verify.add_argument("--library", help="a library compiled of the model")
    verify.add_argument("--per-layer", action="store_true")
    from .quantization import verbs as quantization

    quantization.add_quantize(verb("quantize", quantization.quantize_verb,
                                   "quantize a float model and write ONNX"))
    quantization.add_calibrate(verb("calibrate", quantization.calibrate_verb,
                                    "write the ranges of mopt-compile --quantize=static-int8"))
    quantization.add_prune(verb("prune", quantization.prune_verb,
                                "set weights to zero in a pattern and write ONNX"))
    verb("inspect", _inspect_verb, "describe a model or a compiled library")
    return parser


def main(arguments=None):
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb not in ("compile", "check"):
        parser.error(f"unknown argument '{rest[0]}'")
    try:
        return options.function(options, rest)
    except _compile.CompileError as error:
        sys.stderr.write(error.stderr or f"{error}\n")
        return error.exit_code if error.exit_code > 0 else 5
    except (RunError, OSError, ValueError, TypeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

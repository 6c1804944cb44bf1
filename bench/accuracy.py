#!/usr/bin/env python3
"""What quantization and pruning cost in accuracy: a table of the models of bench/train.py.

    build/venv/bin/python bench/accuracy.py [DIR] [--models NAME,...] [--variants NAME,...]
                                            [--json FILE]

Every variant is made by mopt.quantize and mopt.prune with the calibration part of the data
and measured on the test part, in mopt; a cell is the share of right answers in percent. Its
exit code is 1 if a variant loses more points than it may.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import onnx

import mopt
from mopt.peers import cpu_description

BATCH = 100


def quantized(**options):
    return lambda model, data: mopt.quantize(model, data, sensitivity=False, **options)


def pruned(pattern):
    return lambda model, data: mopt.prune(model, data, pattern=pattern)


def pruned_and_quantized(model, data):
    sparse = mopt.prune(model, data, pattern="2:4")
    return mopt.quantize(sparse.model, data, sensitivity=False, method="mse")


# Heading, how it is made, and how many points it may lose.
VARIANTS = {
    "static-tensor": ("int8 per tensor", quantized(method="mse", per_channel=False), None),
    "static-channel": ("int8 per channel", quantized(method="mse"), 0.5),
    "dynamic": ("int8 dynamic", quantized(mode="dynamic-int8"), 0.5),
    "weight-int8": ("int8 weights", quantized(mode="weight-int8"), 0.5),
    "int4-g32": ("int4 g32", quantized(mode="weight-int4", group=32), 1),
    "int4-g128": ("int4 g128", quantized(mode="weight-int4", group=128), None),
    "2:4": ("2:4", pruned("2:4"), 1),
    "4:8": ("4:8", pruned("4:8"), None),
    "unstructured": ("90% zeros", pruned("unstructured:0.9"), None),
    "2:4-int8": ("2:4 and int8", pruned_and_quantized, None),
}


def accuracy(model, data, labels):
    session = mopt.InferenceSession(model, shapes={"x": (BATCH, *data.shape[1:])})
    right = 0
    for start in range(0, len(data), BATCH):
        part = data[start:start + BATCH]
        # The last batch is filled up.
        full = np.concatenate([part, np.repeat(part[:1], BATCH - len(part), 0)])
        found = session.run(None, {"x": full})[0][:len(part)].argmax(1)
        right += int((found == labels[start:start + BATCH]).sum())
    session.close()
    return 100 * right / len(data)


def measure(path, names):
    model = onnx.load(path)
    name = next(p.value for p in model.metadata_props if p.key == "data")
    with np.load(path.parent / f"{name}.npz") as archive:
        calibration, test, labels = (archive[key] for key in ("calibration", "test", "labels"))
    data = [{"x": part} for part in np.split(calibration, len(calibration) // 128)]
    row = {"f32": accuracy(model, test, labels)}
    for variant in names:
        row[variant] = accuracy(VARIANTS[variant][1](model, data).model, test, labels)
        print(f"{path.stem} {variant}: {row[variant]:.2f}", file=sys.stderr, flush=True)
    return row


def table(rows, names):
    lines = ["| model | f32 | " + " | ".join(VARIANTS[name][0] for name in names) + " |",
             "|---" * (2 + len(names)) + "|"]
    for model, row in rows.items():
        lines.append(f"| {model} | {row['f32']:.2f} | "
                     + " | ".join(f"{row[name] - row['f32']:+.2f}" for name in names) + " |")
    return "\n".join(lines)


def losses(rows):
    """What lost more than it may, as texts."""
    return [f"{model}: {name} loses {row['f32'] - row[name]:.2f} points, at most "
            f"{VARIANTS[name][2]} may be lost"
            for model, row in rows.items() for name in row if name != "f32"
            if VARIANTS[name][2] is not None and row["f32"] - row[name] > VARIANTS[name][2]]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="build/accuracy")
    parser.add_argument("--models", default="", help="names with commas; all by default")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    names = options.variants.split(",")
    for name in names:
        if name not in VARIANTS:
            parser.error(f"no variant is called '{name}'; variants: {', '.join(VARIANTS)}")
    folder = pathlib.Path(options.folder)
    wanted = [folder / f"{name}.onnx" for name in options.models.split(",") if name]
    paths = wanted or sorted(folder.glob("*.onnx"))
    if not paths:
        parser.error(f"no models in '{folder}': make them with bench/train.py")
    rows = {path.stem: measure(path, names) for path in paths}
    print(f"CPU: {cpu_description()}\n\n{table(rows, names)}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    problems = losses(rows)
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

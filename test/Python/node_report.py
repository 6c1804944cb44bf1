#!/usr/bin/env python3
"""Makes docs/Conformance.md of the results that node_tests.py wrote with --json: one
file for the default pipeline, one for the reference pipeline, and others for other
machines, called by their arguments.

usage: node_report.py DEFAULT.json REFERENCE.json [OTHER.json...] > docs/Conformance.md
"""

import collections
import json
import sys

HEAD = """# Conformance

The tests of the onnx package ({onnx}), all {total} of them, through `mopt.backend`. Made by
`test/Python/node_report.py` on {date} from the results of

{commands}

{counts}

Tests are compared by the suite's own rules (relative 1e-3, absolute 1e-7, element types and shapes exact), and besides them
the lengths of sequences. A model that does not compile is told apart by the compiler's exit code 3, which comes with a
diagnostic that names the node; anything else would be a failure, of which there is none.

## What is not supported

{unsupported}

## Per operator

Tests of the operator itself, and of the function body by which ONNX defines it (expanded), passed and in all. Names in
brackets are kinds of models: small graphs, exports of PyTorch, and the nine architectures that the suite ships.

{table}
"""


def share(rows):
    passed = sum(row["outcome"] == "pass" for row in rows)
    return f"{passed}/{len(rows)}" if rows else ""


def command(results):
    arguments = f" --arguments={results['arguments']}" if results["arguments"] else ""
    if results["backend"] != "mopt.backend":
        arguments = f" --backend={results['backend']}{arguments}"
    return f"    build/venv/bin/python test/Python/node_tests.py{arguments}"


def counts(title, results):
    found = results["counts"]
    parts = ", ".join(f"{found[outcome]} {outcome}" for outcome in found)
    return f"- {title}: {parts}, in {results['seconds']} s."


def reasons(rows):
    """Each operator that is refused, with the first reason that the compiler gave."""
    groups = collections.Counter()
    for row in rows:
        if row["outcome"] != "pass":
            lines = [line for line in row["message"].splitlines()[1:] if line]
            message = (lines or [row["message"]])[0].split("): ", 1)[-1]
            groups[(row["operator"], message)] += 1
    return "\n".join(f"- {operator}, {count}: {message}"
                     for (operator, message), count in sorted(groups.items())) or "Nothing."


def table(rows, reference):
    names = {row["name"]: row for row in reference}
    lines = ["| operator | direct | expanded | reference pipeline |", "|---|---|---|---|"]
    for operator in sorted({row["operator"] for row in rows}):
        own = [row for row in rows if row["operator"] == operator]
        kinds = [[row for row in own if row["expanded"] == expanded]
                 for expanded in (False, True)]
        same = [names[row["name"]] for row in own if row["name"] in names]
        lines.append(f"| {operator} | {share(kinds[0])} | {share(kinds[1])} | {share(same)} |")
    return "\n".join(lines)


def page(results, reference, *others):
    rows = results["tests"]
    return HEAD.format(
        onnx=results["onnx"], total=len(rows), date=results["date"],
        commands="\n".join(command(r) for r in (results, reference, *others)),
        counts="\n".join([counts("default pipeline", results),
                          counts("reference pipeline", reference),
                          *(counts(f"`{other['arguments']}`", other) for other in others)]),
        unsupported=reasons(rows), table=table(rows, reference["tests"]))


if __name__ == "__main__":
    loaded = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            loaded.append(json.load(file))
    sys.stdout.write(page(*loaded))

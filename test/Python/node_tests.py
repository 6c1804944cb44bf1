#!/usr/bin/env python3
"""Runs the onnx package's conformance tests through an onnx.backend.base.Backend.

Every test runs in a worker process with a time limit, so that a crash or a hang is a
result like any other:
  pass         all outputs agree by the suite's own rules
  unsupported  the backend said clearly that it does not support the model
  error        the backend refused or failed in another way
  wrong        an output differs in element type, shape or value
  crash, hang  the worker (or a compiler under it) died, or had to be killed
Exit code 0 unless --min-pass is missed or something of --forbid happened.
"""

import argparse
import collections
import importlib
import json
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import sys
import time

import numpy as np
import onnx
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

import node_cases

OUTCOMES = ["pass", "unsupported", "error", "wrong", "crash", "hang"]
UNSUPPORTED_EXIT, INTERNAL_EXIT = 3, 5


class Mismatch(Exception):
    """An output that differs from the expected one."""


def check(found, expected, case, where):
    """The suite's rules, and besides them the length of sequences and None."""
    if expected is None or found is None:
        if found is not expected:
            raise Mismatch(f"{where}: expected {expected}, found {found}")
        return
    if isinstance(expected, (list, tuple)):
        if not isinstance(found, (list, tuple)) or len(found) != len(expected):
            raise Mismatch(f"{where}: expected a sequence of {len(expected)}, found {found!r:.80}")
        for index, (f, e) in enumerate(zip(found, expected)):
            check(f, e, case, f"{where}[{index}]")
        return
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        raise Mismatch(f"{where}: expected shape {expected.shape}, found {found.shape}")
    if expected.dtype.kind in "OUS":
        if [str(v) for v in found.ravel()] != [str(v) for v in expected.ravel()]:
            raise Mismatch(f"{where}: strings differ")
        return
    if found.dtype != expected.dtype:
        raise Mismatch(f"{where}: expected element type {expected.dtype}, found {found.dtype}")
    rtol = case.rtol
    if expected.dtype.name == "bfloat16":
        # Two units in the last place.
        rtol = max(rtol, 2.0**-6)
    if expected.dtype.kind not in "biufc":
        # The small types of ml_dtypes: exact in float32.
        found, expected = found.astype(np.float32), expected.astype(np.float32)
    try:
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=case.atol)
    except AssertionError as error:
        text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
        raise Mismatch(f"{where}: {text[:200]}") from None


def run_case(backend, case, options):
    """Outcome and message of one case, run in this process."""
    try:
        prepared = backend.prepare(case.model, "CPU", **options)
        for inputs, expected in case.data_sets:
            found = list(prepared.run(inputs))
            if len(found) != len(expected):
                raise Mismatch(f"expected {len(expected)} outputs, found {len(found)}")
            for index, (f, e) in enumerate(zip(found, expected)):
                check(f, e, case, f"output {index}")
    except Mismatch as error:
        return "wrong", str(error)
    except (BackendIsNotSupposedToImplementIt, NotImplementedError) as error:
        return "unsupported", str(error)
    except Exception as error:  # A backend may raise anything; that is a result too.
        code = getattr(error, "exit_code", None)
        if code == UNSUPPORTED_EXIT:
            return "unsupported", str(error)
        # A negative code is the signal that ended a compiler process.
        if code is not None and (code < 0 or code == INTERNAL_EXIT):
            return "crash", str(error)
        return "error", f"{type(error).__name__}: {error}"
    return "pass", ""


def work(pipe, backend_name, cases, options):
    """A worker: receives indices, answers outcomes."""
    # Ctrl-C is for the parent, which then ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    backend = importlib.import_module(backend_name)
    while True:
        index = pipe.recv()
        if index is None:
            return
        start = time.monotonic()
        outcome, message = run_case(backend, cases[index], options)
        pipe.send((index, outcome, message[:2000], time.monotonic() - start))


class Worker:
    """A forked process, so that it has the cases without loading them again."""

    def __init__(self, backend_name, cases, options):
        context = multiprocessing.get_context("fork")
        self.pipe, child = context.Pipe()
        self.process = context.Process(target=work, args=(child, backend_name, cases, options))
        self.process.start()
        child.close()
        self.index, self.deadline = None, None

    def start(self, index, timeout):
        self.index, self.deadline = index, time.monotonic() + timeout
        self.pipe.send(index)

    def stop(self):
        self.process.kill()
        self.process.join()
        self.pipe.close()


def run_all(backend_name, cases, options, jobs, timeout, progress):
    """Results by index: (outcome, message, seconds). `options` go to prepare()."""
    results, waiting = {}, list(range(len(cases)))[::-1]
    workers = []

    def finish(worker, outcome, message, seconds):
        results[worker.index] = (outcome, message, seconds)
        progress(cases[worker.index], outcome, message)
        worker.index = None

    try:
        while len(results) < len(cases):
            while waiting and sum(w.index is not None for w in workers) < jobs:
                idle = next((w for w in workers if w.index is None), None)
                if idle is None:
                    idle = Worker(backend_name, cases, options)
                    workers.append(idle)
                idle.start(waiting.pop(), timeout)
            busy = [w for w in workers if w.index is not None]
            left = max(0.0, min(w.deadline for w in busy) - time.monotonic())
            ready = multiprocessing.connection.wait([w.pipe for w in busy], timeout=left)
            for worker in busy:
                if worker.pipe in ready:
                    try:
                        index, outcome, message, seconds = worker.pipe.recv()
                        finish(worker, outcome, message, seconds)
                        continue
                    except (EOFError, ConnectionResetError):
                        worker.process.join()
                        finish(worker, "crash", f"exit code {worker.process.exitcode}", 0.0)
                elif time.monotonic() >= worker.deadline:
                    finish(worker, "hang", f"no answer in {timeout} s", timeout)
                else:
                    continue
                worker.stop()
                workers.remove(worker)
    finally:
        for worker in workers:
            worker.stop()
    return results


def table(rows):
    """The pass count of each operator, its function's expansions apart."""
    groups = collections.defaultdict(lambda: {False: collections.Counter(),
                                              True: collections.Counter()})
    for row in rows:
        groups[row["operator"]][row["expanded"]][row["outcome"]] += 1
    lines = [f"{'operator':<32} {'direct':>9} {'expanded':>9}  not passed"]
    for operator in sorted(groups):
        direct, expanded = groups[operator][False], groups[operator][True]
        rest = direct + expanded
        notes = ", ".join(f"{rest[o]} {o}" for o in OUTCOMES[1:] if rest[o])
        shown = [f"{c['pass']}/{c.total()}" if c.total() else "" for c in (direct, expanded)]
        lines.append(f"{operator:<32} {shown[0]:>9} {shown[1]:>9}  {notes}".rstrip())
    return "\n".join(lines)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="mopt.backend", help="module with prepare()")
    parser.add_argument("--arguments", default="",
                        help="for mopt-compile, with spaces: --arguments='--target=x86-64-v3'")
    parser.add_argument("--filter", default="", help="regular expression searched in names")
    parser.add_argument("--kind", default="", help="only this kind, e.g. node")
    parser.add_argument("--dynamic", action="store_true",
                        help="hide the sizes of inputs and outputs from the compiler")
    parser.add_argument("--shard", default="0/1", help="i/n: every n-th case from the i-th on")
    parser.add_argument("-j", "--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds per test")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--min-pass", type=int, default=0)
    parser.add_argument("--forbid", default="", help="outcomes that fail the run: wrong,crash,hang")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line per failed test")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    shard, shards = (int(part) for part in options.shard.split("/"))
    cases = [case for case in node_cases.load()
             if re.search(options.filter, case.name) and options.kind in ("", case.kind)]
    cases = cases[shard::shards]
    if options.dynamic:
        for case in cases:
            case.model = node_cases.with_dynamic_sizes(case.model)
    if not cases:
        print("no test matches")
        return 2

    def progress(case, outcome, message):
        if options.verbose and outcome != "pass":
            print(f"{outcome:<11} {case.name}: {message.splitlines()[0] if message else ''}",
                  flush=True)

    start, date = time.monotonic(), time.strftime("%Y-%m-%d")
    prepare_options = {"arguments": options.arguments.split()} if options.arguments else {}
    results = run_all(options.backend, cases, prepare_options, options.jobs, options.timeout,
                      progress)
    rows = [{"name": case.name, "kind": case.kind, "operator": case.operator,
             "expanded": case.expanded, "outcome": results[index][0],
             "message": results[index][1], "seconds": round(results[index][2], 4)}
            for index, case in enumerate(cases)]
    counts = collections.Counter(row["outcome"] for row in rows)
    print(table(rows))
    seconds = round(time.monotonic() - start)
    print(f"\n{len(rows)} tests in {seconds} s: "
          + ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"backend": options.backend, "arguments": options.arguments, "date": date,
                       "seconds": seconds, "onnx": onnx.__version__, "counts": dict(counts),
                       "tests": rows}, file, indent=1)
    forbidden = [outcome for outcome in options.forbid.split(",") if counts[outcome]]
    if forbidden:
        print(f"failed: found {', '.join(forbidden)}")
    if counts["pass"] < options.min_pass:
        print(f"failed: {counts['pass']} passed, expected at least {options.min_pass}")
    return 1 if forbidden or counts["pass"] < options.min_pass else 0


if __name__ == "__main__":
    sys.exit(main())

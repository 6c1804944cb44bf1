"""Timing engines side by side: each in a process of its own, asked in turn for short
rounds, so that what the machine does meanwhile falls on all of them."""

import multiprocessing
import os
import resource
import statistics
import time
from dataclasses import dataclass, field

from . import peers

ROUNDS = 10
ROUND_SECONDS = 0.3


@dataclass
class Timing:
    """One engine's result; `error` says why there is none."""

    engine: str
    threads: int
    load_s: float = None
    first_ms: float = None
    runs: int = 0
    median_ms: float = None
    min_ms: float = None
    p90_ms: float = None
    p99_ms: float = None
    peak_mib: float = None
    error: str = None
    # The median of each round.
    rounds_ms: list = field(default_factory=list, repr=False)
    outputs: list = field(default=None, repr=False)

    def as_dict(self):
        return {key: value for key, value in self.__dict__.items() if key != "outputs"}


def ratio_interval(ours, theirs, samples=2000):
    """The interval that holds 95% of the medians of resampled ratios, theirs over ours,
    each of one round (Efron 1979, percentiles of the bootstrap)."""
    import random

    ratios = [b / a for a, b in zip(ours, theirs)]
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios)))
                     for _ in range(samples))
    return medians[int(0.025 * samples)], medians[int(0.975 * samples) - 1]


def _serve(pipe, engine, path, threads, feed, keep_outputs):
    """A worker process: loads, answers with the first run, then times rounds."""
    # Libraries that size their own pools by the environment are held to the count too.
    os.environ["OMP_NUM_THREADS"] = os.environ["MOPT_NUM_THREADS"] = str(threads)
    try:
        start = time.perf_counter()
        session = peers.load(engine, path, threads)
        loaded = time.perf_counter()
        outputs = session.run(None, feed)
        first = time.perf_counter()
        pipe.send((loaded - start, first - loaded, outputs if keep_outputs else None))
        while True:
            seconds = pipe.recv()
            if seconds is None:
                break
            # The other engines had the caches and the cores: two runs to take them back.
            session.run(None, feed)
            session.run(None, feed)
            times, end = [], time.perf_counter() + seconds
            while not times or time.perf_counter() < end:
                begin = time.perf_counter()
                session.run(None, feed)
                times.append(time.perf_counter() - begin)
            pipe.send(times)
        pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    except Exception as error:  # Whatever stops an engine is its result.
        pipe.send(f"{type(error).__name__}: {error}")


class _Engine:
    def __init__(self, name, path, threads, feed, keep_outputs):
        # Spawned: a forked child would inherit this process's memory and libraries.
        context = multiprocessing.get_context("spawn")
        self.pipe, child = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(child, name, path, threads, feed, keep_outputs), daemon=True)
        self.process.start()
        child.close()
        self.timing, self.times = Timing(name, threads), []

    def ask(self, question=None, send=False):
        """The worker's answer, or None after noting why there is none."""
        if self.timing.error:
            return None
        try:
            if send:
                self.pipe.send(question)
            answer = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            answer = f"the process ended with exit code {self.process.exitcode}"
        if isinstance(answer, str):
            self.timing.error = answer
            return None
        return answer

    def add(self, times):
        """Takes a round's times, in seconds; None if it failed."""
        if times:
            self.times += times
            self.timing.rounds_ms.append(1000 * statistics.median(times))

    def finish(self):
        peak = self.ask(None, send=True)
        self.process.join(timeout=30)
        if self.process.is_alive():
            self.process.kill()
        if self.timing.error:
            return self.timing
        ordered = sorted(1000 * seconds for seconds in self.times)
        timing = self.timing
        timing.runs, timing.peak_mib = len(ordered), peak
        timing.median_ms, timing.min_ms = statistics.median(ordered), ordered[0]
        timing.p90_ms = ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
        timing.p99_ms = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        return timing


def bench(models, inputs, threads=1, rounds=ROUNDS, round_seconds=ROUND_SECONDS,
          keep_outputs=False):
    """Times `models`, a dictionary of model paths by engine, on the same inputs: a
    `Timing` by engine. A round lasts at least `round_seconds` and one run."""
    engines = {name: _Engine(name, os.fspath(path), threads, inputs, keep_outputs)
               for name, path in models.items()}
    for engine in engines.values():
        answer = engine.ask()
        if answer is not None:
            engine.timing.load_s, first, engine.timing.outputs = answer
            engine.timing.first_ms = 1000 * first
    for turn in range(rounds):
        order = list(engines.values())
        # Each engine comes first in its turn.
        order = order[turn % len(order):] + order[: turn % len(order)]
        for engine in order:
            engine.add(engine.ask(round_seconds, send=True))
    return {name: engine.finish() for name, engine in engines.items()}

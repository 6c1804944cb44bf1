"""Recurrent models over a stream: each engine goes on from the state that it left, and
after many chunks the answers still agree."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from mopt.agreement import Reference
from test_models import FOLDER, ROOT, catalogue, mopt, reference

CHUNKS = 24


def sound(samples, rate):
    """Bursts of a gliding tone in noise, from -1 to 1."""
    time = np.arange(samples) / rate
    tone = np.sin(2 * np.pi * (140 * time + 60 * time**2)) + 0.5 * np.sin(2 * np.pi * 700 * time)
    loud = (np.sin(2 * np.pi * 1.5 * time) > 0).astype(np.float64)
    noise = np.random.default_rng(3).normal(0, 0.02, samples)
    return (0.4 * loud * tone + noise).astype(np.float32)


def speech_chunks(rate, batch):
    """What silero's wrapper feeds: new samples behind the last ones of the chunk before."""
    new, old = (512, 64) if rate == 16000 else (256, 32)
    stream = np.stack([np.roll(sound(CHUNKS * new + old, rate), 97 * row) for row in range(batch)])
    for chunk in range(CHUNKS):
        yield {"input": stream[:, chunk * new:chunk * new + new + old],
               "sr": np.array(rate, np.int64)}


def sequence_chunks(batch):
    for chunk in range(CHUNKS):
        values = np.random.default_rng(chunk).uniform(-1, 1, (batch, 1 + chunk % 3, 128))
        yield {"x": values.astype(np.float32)}


def follow(path, library, chunks, states, batch):
    """Runs all engines over the chunks and compares at every step. `states` maps each state
    input to its output and its shape."""
    engines = {"exact": reference.session(path, optimized=False),
               "optimized": reference.session(path, optimized=True),
               "one": mopt.InferenceSession(library, threads=1),
               "two": mopt.InferenceSession(library, threads=2)}
    names = [output.name for output in engines["exact"].get_outputs()]
    start = {name: np.zeros(shape, np.float32) for name, (_, shape) in states.items()}
    carried = dict.fromkeys(engines, start)
    for number, chunk in enumerate(chunks):
        results = {engine: session.run(names, {**chunk, **carried[engine]})
                   for engine, session in engines.items()}
        bad = [difference.message for difference in reference.compare(
            results["one"], Reference(names, results["exact"], results["optimized"]))
            if not difference.agrees]
        assert not bad, f"chunk {number}: " + "; ".join(bad)
        for one, two in zip(results["one"], results["two"]):
            assert one.tobytes() == two.tobytes(), f"chunk {number}: thread counts differ"
        carried = {engine: {name: values[names.index(output)]
                            for name, (output, _) in states.items()}
                   for engine, values in results.items()}


@pytest.fixture(scope="module")
def compile_model(tmp_path_factory):
    """Path and library of a model, by name and variant."""
    made = {}

    def get(name, variant):
        if (name, variant) not in made:
            model, = catalogue.select([name])
            subprocess.run([sys.executable, ROOT / "bench" / "make-models", FOLDER, name],
                           check=True)
            path = model.file(variant, FOLDER)
            folder = pathlib.Path(tmp_path_factory.mktemp(name))
            made[name, variant] = path, mopt.compile(path, str(folder / "model.so")).path
        return made[name, variant]

    return get


@pytest.mark.parametrize("name, variant, rate, batch", [
    ("silero_vad", "static", 16000, 1), ("silero_vad", "dynamic", 16000, 1),
    ("silero_vad", "dynamic", 8000, 3), ("silero_vad_16k_op15", "static", 16000, 1),
    ("silero_vad_16k_op15", "dynamic", 16000, 5)])
def test_voice_detector(compile_model, name, variant, rate, batch):
    path, library = compile_model(name, variant)
    follow(path, library, speech_chunks(rate, batch), {"state": ("stateN", (2, batch, 128))}, batch)


def test_lstm(compile_model):
    path, library = compile_model("lstm", "dynamic")
    states = {"h0": ("hn", (2, 3, 256)), "c0": ("cn", (2, 3, 256))}
    follow(path, library, sequence_chunks(3), states, 3)

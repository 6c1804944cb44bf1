#!/usr/bin/env python3
"""Reads the text in a picture with three networks compiled ahead of time (a detector, a
classifier of upside-down lines, a recognizer), and again with ONNX Runtime, and prints
both readings and times. The picture is drawn here unless one is given.
usage: python ocr.py [--image FILE] [--libraries DIR] [--threads N]
"""

import argparse
import concurrent.futures
import importlib.util
import os
import sys
import tempfile
import time

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LINES = ["Machine learning compilers", "Order no. 4711 / 2026-03-14", "Total: 1,299.00 EUR",
         "Thank you for your visit!"]
UPSIDE_DOWN = "This line stands on its head"
MODELS = {"detector": "ch_PP-OCRv4_det_infer.onnx",
          "classifier": "ch_ppocr_mobile_v2.0_cls_infer.onnx",
          "recognizer": "ch_PP-OCRv4_rec_infer.onnx"}


def draw_picture():
    """Dark text on light paper with some noise, one line of it upside down."""
    font = ImageFont.load_default(size=30)
    picture = Image.new("RGB", (640, 360), (246, 243, 234))
    draw = ImageDraw.Draw(picture)
    for index, line in enumerate(LINES):
        draw.text((40, 24 + 62 * index), line, fill=(30, 30, 60 + 30 * index), font=font)
    strip = Image.new("RGB", (560, 50), (246, 243, 234))
    ImageDraw.Draw(strip).text((8, 4), UPSIDE_DOWN, fill=(90, 20, 20), font=font)
    picture.paste(strip.rotate(180), (40, 282))
    noise = np.random.default_rng(7).normal(0, 4, (360, 640, 3))
    pixels = np.clip(np.asarray(picture, np.float32) + noise, 0, 255).astype(np.uint8)
    # OpenCV's order of channels, which the reader expects.
    return np.ascontiguousarray(pixels[:, :, ::-1])


def read_picture(path):
    pixels = np.asarray(Image.open(path).convert("RGB"))
    return np.ascontiguousarray(pixels[:, :, ::-1])


class Timed:
    """A session that adds up the time its runs take."""

    def __init__(self, session):
        self._session, self.seconds = session, 0.0

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run(self, *arguments):
        start = time.perf_counter()
        try:
            return self._session.run(*arguments)
        finally:
            self.seconds += time.perf_counter() - start


class Reader:
    """rapidocr's pre- and postprocessing around the three networks of one engine."""

    def __init__(self, sessions):
        from rapidocr_onnxruntime import RapidOCR

        self._reader = RapidOCR(intra_op_num_threads=1)
        self._sessions = {name: Timed(session) for name, session in sessions.items()}
        self._reader.text_det.infer.session = self._sessions["detector"]
        self._reader.text_cls.infer.session = self._sessions["classifier"]
        self._reader.text_rec.session.session = self._sessions["recognizer"]

    def read(self, picture):
        """Lines of text, the milliseconds in each network, and those of it all."""
        for session in self._sessions.values():
            session.seconds = 0.0
        start = time.perf_counter()
        result, _ = self._reader(picture)
        total = 1000 * (time.perf_counter() - start)
        times = {name: 1000 * session.seconds for name, session in self._sessions.items()}
        return [text for _, text, _ in result or []], times, total

    def best_of(self, picture, repetitions):
        return min((self.read(picture) for _ in range(repetitions)),
                   key=lambda reading: sum(reading[1].values()))


def model_path(name):
    folder = importlib.util.find_spec("rapidocr_onnxruntime").submodule_search_locations[0]
    return os.path.join(folder, "models", MODELS[name])


def compile_network(name, library):
    import mopt

    start = time.perf_counter()
    mopt.compile(model_path(name), library)
    print(f"compiled the {name}: {time.perf_counter() - start:.1f} s, "
          f"{os.path.getsize(library) / 2**20:.1f} MiB")


def compile_all(folder):
    """The three libraries, compiled unless they are there and newer than the compiler."""
    from mopt import _compile

    os.makedirs(folder, exist_ok=True)
    tool = _compile.tool("mopt-compile")
    parts = [tool, os.path.join(os.path.dirname(tool), "..", "lib", "libmopt-compiler.so")]
    newest = max(os.path.getmtime(part) for part in parts if os.path.exists(part))
    libraries = {name: os.path.join(folder, f"ocr_{name}.so") for name in MODELS}
    stale = [name for name, library in libraries.items()
             if not os.path.exists(library) or os.path.getmtime(library) < newest]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(lambda name: compile_network(name, libraries[name]), stale))
    return libraries


def mopt_reader(folder, threads):
    import mopt

    return Reader({name: mopt.InferenceSession(library, threads=threads)
                   for name, library in compile_all(folder).items()})


def onnxruntime_reader(threads):
    from mopt.peers import onnxruntime_session

    return Reader({name: onnxruntime_session(model_path(name), threads=threads)
                   for name in MODELS})


def report(name, lines, times, total):
    parts = ", ".join(f"{network} {ms:.1f}" for network, ms in times.items())
    print(f"\n{name}: {sum(times.values()):.1f} ms in the networks ({parts}), {total:.1f} in all")
    for line in lines:
        print(f"    {line}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Reads the text in a picture.")
    parser.add_argument("--image", help="a picture to read in place of the drawn one")
    parser.add_argument("--save", help="where to write the drawn picture")
    parser.add_argument("--libraries", help="folder for the compiled networks")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args(arguments)
    picture = read_picture(options.image) if options.image else draw_picture()
    if options.save:
        Image.fromarray(picture[:, :, ::-1]).save(options.save)
    with tempfile.TemporaryDirectory(prefix="mopt-") as folder:
        ours = mopt_reader(options.libraries or folder, options.threads)
        theirs = onnxruntime_reader(options.threads)
        our_reading = ours.best_of(picture, options.repetitions)
        their_reading = theirs.best_of(picture, options.repetitions)
    print(f"a picture of {picture.shape[1]}x{picture.shape[0]}, {options.threads} threads, "
          f"best of {options.repetitions}")
    report("mopt", *our_reading)
    report("ONNX Runtime", *their_reading)
    same = our_reading[0] == their_reading[0]
    print("\nthe readings are the same" if same else "\nthe readings differ")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

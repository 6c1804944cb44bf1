#!/usr/bin/env python3
"""Recognizes handwritten-like digits with a small convolutional network compiled ahead of
time, and again with ONNX Runtime. The digits are drawn here; the network's filters are
random, its last layer is fitted to a training set by least squares, so that it needs no
download and a second of time.
usage: python digits.py [--model FILE] [--threads N]
"""

import argparse
import os
import sys
import tempfile
import time

import mopt
import numpy as np
import onnx
from mopt.peers import onnxruntime_session
from PIL import Image, ImageDraw, ImageFont

FILTERS, SIDE = 48, 28


def draw_digits(count, seed):
    """Images (count, 1, 28, 28) from 0 to 1 of digits turned, shifted and blotted."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    images = np.empty((count, 1, SIDE, SIDE), np.float32)
    fonts = [ImageFont.load_default(size=size) for size in (20, 22, 24, 26)]
    for image, label in zip(images, labels):
        picture = Image.new("L", (2 * SIDE, 2 * SIDE))
        ImageDraw.Draw(picture).text((SIDE, SIDE), str(label), fill=255, anchor="mm",
                                     font=fonts[random.integers(len(fonts))],
                                     stroke_width=int(random.integers(2)))
        picture = picture.rotate(random.uniform(-20, 20), Image.BILINEAR)
        x, y = SIDE // 2 + random.integers(-3, 4, 2)
        pixels = np.asarray(picture.crop((x, y, x + SIDE, y + SIDE)), np.float32) / 255
        image[0] = np.clip(pixels + random.normal(0, 0.15, pixels.shape), 0, 1)
    return images, labels


def network(filters, weights=None, bias=None):
    """The network as ONNX; without `weights` it ends at the features."""
    tail = ("" if weights is None else
            "logits = Gemm(features, weights, bias)  probabilities = Softmax<axis=-1>(logits)")
    output = "float[batch, n] features" if weights is None else "float[batch, 10] probabilities"
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["": 17]>
        digits (float[batch, 1, {SIDE}, {SIDE}] image) => ({output}) {{
            edges = Conv<pads=[2, 2, 2, 2]>(image, filters)
            strong = Relu(edges)
            pooled = MaxPool<kernel_shape=[4, 4], strides=[4, 4]>(strong)
            features = Flatten(pooled)
            {tail}
        }}""")
    constants = {"filters": filters, "weights": weights, "bias": bias}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name)
                                   for name, value in constants.items() if value is not None)
    return model


def train(path):
    """Fits the last layer on drawn digits and writes the model."""
    random = np.random.default_rng(1)
    filters = random.normal(0, 0.3, (FILTERS, 1, 5, 5)).astype(np.float32)
    onnx.save(network(filters), path)
    images, labels = draw_digits(6000, seed=2)
    features = onnxruntime_session(path, threads=1).run(None, {"image": images})[0]
    mean = features.mean(axis=0)
    centred = features - mean
    targets = np.eye(10, dtype=np.float32)[labels] - 0.1
    gram = centred.T @ centred + 10 * np.eye(centred.shape[1], dtype=np.float32)
    # The factor only sharpens the softmax.
    weights = (8 * np.linalg.solve(gram, centred.T @ targets)).astype(np.float32)
    onnx.save(network(filters, weights, -(mean @ weights)), path)


def show(image):
    """The picture as text."""
    rows = image[0][::2]
    return ["".join(" .:*#"[min(4, int(5 * value))] for value in row) for row in rows]


def milliseconds(session, images, repetitions=50):
    """The best time of one run, one image at a time."""
    best = np.inf
    for image in images[:repetitions]:
        start = time.perf_counter()
        session.run(None, {"image": image[None]})
        best = min(best, time.perf_counter() - start)
    return 1000 * best


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Recognizes drawn digits.")
    parser.add_argument("--model", help="where to write the ONNX model")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mopt-") as folder:
        model = options.model or os.path.join(folder, "digits.onnx")
        library = os.path.join(folder, "digits.so")
        train(model)
        start = time.perf_counter()
        mopt.compile(model, library)
        print(f"compiled digits.onnx ({os.path.getsize(model) // 1024} KiB) to a library of "
              f"{os.path.getsize(library) // 1024} KiB in {time.perf_counter() - start:.1f} s")
        sessions = {"mopt": mopt.InferenceSession(library, threads=options.threads),
                    "ONNX Runtime": onnxruntime_session(model, threads=options.threads)}
        images, labels = draw_digits(1000, seed=3)
        results = {name: session.run(None, {"image": images})[0]
                   for name, session in sessions.items()}
        answers = {name: result.argmax(axis=1) for name, result in results.items()}
        print("\n".join("  ".join(rows) for rows in zip(*(show(image) for image in images[:4]))))
        for name, session in sessions.items():
            print(f"{name:<13} reads {' '.join(map(str, answers[name][:4]))}; "
                  f"{(answers[name] == labels).mean():.1%} of 1000 are right; "
                  f"{milliseconds(session, images):.3f} ms per image")
    ours, theirs = results.values()
    same = bool((answers["mopt"] == answers["ONNX Runtime"]).all())
    print(f"largest difference of a probability: {np.abs(ours - theirs).max():.1e}; "
          f"the answers {'are the same' if same else 'differ'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

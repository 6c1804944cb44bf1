"""Speed of products with --precision=f16, or others, against mopt's own of f32.

usage: halves.py [target..] [--precision=TYPE,..] [--threads=N] [--quick] [--programs]

Each shape is a model of one node, compiled for the target (default: native) in f32 and in each
precision (default: f16). mopt-run times them in turn; a figure is the median of the rounds, a ratio that of
the rounds' ratios. Behind it stands the largest error against numpy's product in
f64, in shares of the largest result. With --programs mopt's Python module is not needed.
"""

import statistics
import sys

import numpy as np

from integers import RNG, build, seconds

if "--programs" in sys.argv:
    import programs as mopt
else:
    import mopt

# rows, columns, depth
GEMMS = [(128, 768, 768), (128, 3072, 768), (128, 768, 3072), (8, 768, 768), (197, 192, 64)]
# height and width, channels, outputs, kernel, stride
CONVS = [(56, 64, 64, 3, 1), (56, 64, 256, 1, 1), (56, 64, 64, 1, 1), (14, 1024, 256, 1, 1),
         (14, 256, 256, 3, 1), (56, 128, 128, 3, 2), (28, 32, 32, 1, 1)]


def measure(title, op, x, w, attributes, wanted, target, precisions, threads, rounds):
    model = build(op, x, w, attributes)
    libraries, errors = [], []
    for precision in precisions:
        libraries.append(mopt.compile(model, target=target,
                                      arguments=[f"--precision={precision}"]))
        found = mopt.InferenceSession(libraries[-1], threads=threads).run(None, {"x": x})[0]
        errors.append(np.max(np.abs(found - wanted)) / np.max(np.abs(wanted)))
    times = [[seconds(library, threads) for library in libraries] for _ in range(rounds)]
    text = f"{title:28}"
    for i, precision in enumerate(precisions):
        text += f" {precision} {statistics.median(t[i] for t in times) * 1e6:8.1f} us"
        if i:
            text += f" ({statistics.median(t[0] / t[i] for t in times):.2f}, {errors[i]:.1e})"
    print(text, flush=True)


def gemm(m, n, k):
    x = RNG.standard_normal((m, k), np.float32)
    w = RNG.standard_normal((k, n), np.float32) / np.float32(k ** 0.5)
    return f"gemm {m}x{n}x{k}", "MatMul", x, w, {}, x.astype(np.float64) @ w


def conv(size, channels, outputs, kernel, stride):
    pad = kernel // 2
    x = RNG.standard_normal((1, channels, size, size), np.float32)
    w = RNG.standard_normal((outputs, channels, kernel, kernel), np.float32)
    w /= np.float32((channels * kernel * kernel) ** 0.5)
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
    windows = windows[0, :, ::stride, ::stride]
    wanted = np.tensordot(w.astype(np.float64), windows, ((1, 2, 3), (0, 3, 4)))[None]
    attributes = {"pads": [pad] * 4, "strides": [stride] * 2}
    return f"conv {size} {channels}->{outputs} k{kernel} s{stride}", "Conv", x, w, attributes, wanted


def main():
    threads, quick, targets, precisions = 1, False, [], ["f32", "f16"]
    for argument in sys.argv[1:]:
        if argument.startswith("--threads="):
            threads = int(argument.split("=")[1])
        elif argument.startswith("--precision="):
            precisions = ["f32", *argument.split("=")[1].split(",")]
        elif argument == "--quick":
            quick = True
        elif argument == "--programs":
            continue
        else:
            targets.append(argument)
    for target in targets or ["native"]:
        print(f"{target}, {threads} thread(s)")
        for cases, make in ((GEMMS, gemm), (CONVS, conv)):
            for shape in cases:
                measure(*make(*shape), target, precisions, threads, 3 if quick else 9)


if __name__ == "__main__":
    main()

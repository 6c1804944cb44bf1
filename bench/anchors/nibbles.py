"""Speed of products with weights of 4 bits against the bandwidth of memory and ONNX Runtime.

usage: nibbles.py [target..] [--threads=N] [--rows=N,N..] [--rounds=N] [--group=N] [--quick]

The weights of one product (4096 x 32768, 67 MB and scales) lie in memory, not in a cache. In
each round, in turn: a C program reads as many bytes in several streams, mopt-run computes the
product with activations of 16 bits (numerics default), with floats (strict), and ONNX Runtime's
MatMulNBits with accuracy levels 0 and 4. A figure is the shortest run of a round, the median of
the rounds; percentages are the medians of the rounds' ratios to the time that the C program took.
Answers are compared with numpy's.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import mopt
from mopt._compile import tool

READER = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
typedef long long v4 __attribute__((vector_size(32)));
enum { STREAMS = 4 };
static char *memory;
static size_t part;
static void *pass(void *number) {
  const char *from = memory + part * (size_t)number;
  size_t each = part / STREAMS;
  v4 sum[STREAMS] = {0};
  for (size_t i = 0; i < each; i += 64)
    for (int s = 0; s < STREAMS; ++s) {
      const char *at = from + s * each + i;
      __builtin_prefetch(at + 2048);
      sum[s] ^= *(const v4 *)at ^ *(const v4 *)(at + 32);
    }
  volatile v4 keep = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
  (void)keep;
  return NULL;
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
int main(int argc, char **argv) {
  size_t bytes = strtoull(argv[1], NULL, 10) / 4096 * 4096, threads = atoi(argv[2]);
  double best = 1e9;
  memory = aligned_alloc(4096, bytes);
  memset(memory, 1, bytes);
  part = bytes / threads / 1024 * 1024;
  for (int round = 0; round < 12; ++round) {
    pthread_t handles[64];
    double start = now();
    for (size_t i = 1; i < threads; ++i)
      pthread_create(&handles[i], NULL, pass, (void *)i);
    pass((void *)0);
    for (size_t i = 1; i < threads; ++i)
      pthread_join(handles[i], NULL);
    double took = now() - start;
    if (took < best)
      best = took;
  }
  printf("%.9f\n", best);
}
"""
DEPTH, WIDTH = 4096, 32768


def build(rows, group, accuracy):
    random = np.random.default_rng(1)
    blocks = DEPTH // group
    packed = random.integers(0, 256, (WIDTH, blocks, group // 2), dtype=np.uint8)
    scales = random.uniform(0.01, 0.02, (WIDTH, blocks)).astype(np.float16).astype(np.float32)
    attributes = {} if accuracy is None else {"accuracy_level": accuracy}
    node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft",
                            K=DEPTH, N=WIDTH, bits=4, block_size=group, **attributes)
    graph = helper.make_graph(
        [node], "nibbles", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, DEPTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, WIDTH])],
        [numpy_helper.from_array(packed, "w"), numpy_helper.from_array(scales.reshape(-1), "s")])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)])
    return model, packed, scales


def answer(x, packed, scales, group):
    """In floats of 64 bits, some columns at a time."""
    parts = []
    for first in range(0, WIDTH, 1024):
        bytes_ = packed[first:first + 1024]
        q = np.stack([bytes_ & 15, bytes_ >> 4], -1).reshape(len(bytes_), -1, group) - 8.0
        real = (q * scales[first:first + 1024, :, None]).reshape(len(bytes_), -1)
        parts.append(x.astype(np.float64) @ real.T)
    return np.concatenate(parts, 1)


def time_mopt(library, threads, runs):
    done = subprocess.run([tool("mopt-run"), library, "--random", f"--iterations={runs}",
                           f"--threads={threads}", "--json"], check=True, capture_output=True,
                          text=True)
    return json.loads(done.stdout)["latency_ms_min"] / 1e3


def time_onnxruntime(session, x, runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(None, {"x": x})
        times.append(time.perf_counter() - start)
    return min(times)


def open_onnxruntime(rows, group, accuracy, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(build(rows, group, accuracy)[0].SerializeToString(),
                                        options, providers=["CPUExecutionProvider"])


def measure(target, threads, rows, group, rounds, runs, reader):
    model, packed, scales = build(rows, group, None)
    x = np.random.default_rng(2).standard_normal((rows, DEPTH)).astype(np.float32)
    wanted = answer(x, packed, scales, group)
    largest = np.abs(wanted).max()
    jobs, errors = {}, {}
    for name, numerics in {"mopt": "default", "mopt strict": "strict"}.items():
        library = mopt.compile(model, target=target, numerics=numerics)
        found = mopt.InferenceSession(library, threads=threads).run(None, {"x": x})[0]
        errors[name] = np.abs(found - wanted).max() / largest
        jobs[name] = lambda library=library: time_mopt(library, threads, runs)
    for level in (0, 4):
        session = open_onnxruntime(rows, group, level, threads)
        name = f"onnxruntime level {level}"
        errors[name] = np.abs(session.run(None, {"x": x})[0] - wanted).max() / largest
        jobs[name] = lambda session=session: time_onnxruntime(session, x, runs)
    size = packed.size + scales.size * 2
    results = {name: [] for name in ["read", *jobs]}
    for _ in range(rounds):
        done = subprocess.run([reader, str(size), str(threads)], check=True, capture_output=True,
                              text=True)
        results["read"].append(float(done.stdout))
        for name, job in jobs.items():
            results[name].append(job())
    print(f"{target}, {threads} thread(s), {rows} row(s), groups of {group}: "
          f"{size / 1e6:.1f} MB with scales of 16 bits")
    for name, times in results.items():
        text = f"  {name:20} {statistics.median(times) * 1e3:8.3f} ms " \
               f"{size / statistics.median(times) / 1e9:6.1f} GB/s"
        if name != "read":
            ratio = statistics.median(r / t for r, t in zip(results["read"], times))
            text += f" {100 * ratio:5.0f} % of reading, error {errors[name]:.1e}"
        print(text, flush=True)


def main():
    options = {"threads": "1", "rows": "1", "rounds": "7", "group": "32"}
    targets = []
    for argument in sys.argv[1:]:
        if argument == "--quick":
            options["rounds"] = "3"
        elif argument.startswith("--"):
            name, value = argument[2:].split("=")
            options[name] = value
        else:
            targets.append(argument)
    with tempfile.TemporaryDirectory() as folder:
        source, reader = os.path.join(folder, "read.c"), os.path.join(folder, "read")
        with open(source, "w", encoding="utf-8") as file:
            file.write(READER)
        subprocess.run([os.environ.get("CC", "cc"), "-O3", "-march=native", "-pthread", source,
                        "-o", reader], check=True)
        for target in targets or ["native"]:
            for rows in options["rows"].split(","):
                measure(target, int(options["threads"]), int(rows), int(options["group"]),
                        int(options["rounds"]), 12, reader)


if __name__ == "__main__":
    main()

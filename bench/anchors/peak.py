"""Cycles of the inner loops of products, as LLVM's model of a processor sees them.

usage: peak.py target..

A product of 128 x 768 x 768 is compiled for each target in each type. Of the loop with most
multiplications llvm-mca says how many cycles it takes, and how many its multiplications alone
do: their ratio is the share of the processor's peak that the loop can reach. Spills are
accesses of the loop to the stack.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

import mopt
from integers import RNG, build
from mopt._compile import tool

LLVM = os.environ.get("LLVM_BIN", "/usr/lib/llvm-22/bin")
MULTIPLY = re.compile(r"\t(fmla|[su]dot|usdot|sudot|u?s?mmla|bfmmla|bfdot|vfn?madd\w+|vpdpbusd)\b")
SHAPE = 128, 768, 768
# Name, type of the left side, option.
KINDS = [("f32", np.float32, "f32"), ("int8", np.uint8, "f32"), ("bf16", np.float32, "bf16"),
         ("f16", np.float32, "f16")]
ITERATIONS = 200


def make_model(kind):
    m, n, k = SHAPE
    if kind == np.uint8:
        return build("MatMulInteger", RNG.integers(0, 256, (m, k), dtype=np.uint8),
                     RNG.integers(-128, 128, (k, n), dtype=np.int8), {})
    return build("MatMul", RNG.standard_normal((m, k), np.float32),
                 RNG.standard_normal((k, n), np.float32) / np.float32(k ** 0.5), {})


def find_loop(assembly):
    """The lines of the loop without inner ones that multiplies most."""
    best, start, label = [], 0, None
    lines = assembly.split("\n")
    for number, line in enumerate(lines):
        if found := re.match(r"(\.?L\w+):", line):
            start, label = number + 1, found[1]
        elif label and re.match(rf"\t(b\.?\w*|j\w+|cbn?z|tbn?z)\t(.*, )?{re.escape(label)}$", line):
            body = [text.split("//")[0] for text in lines[start:number]
                    if not text.lstrip().startswith(("//", "#", "."))]
            if count_products(body) > count_products(best):
                best = body
    return best


def count_products(lines):
    return sum(bool(MULTIPLY.match(line)) for line in lines)


def get_cycles(lines, triple, processor):
    done = subprocess.run(
        [f"{LLVM}/llvm-mca", f"-mtriple={triple}", f"-mcpu={processor}", f"-iterations={ITERATIONS}"],
        input="\n".join(lines), check=True, capture_output=True, text=True)
    return int(re.search(r"Total Cycles:\s*(\d+)", done.stdout)[1]) / ITERATIONS


def measure(target, triple, name, kind, precision, folder):
    path = os.path.join(folder, "product.s")
    mopt.compile(make_model(kind), path, target=target, arguments=[f"--precision={precision}"])
    with open(path, encoding="utf-8") as file:
        loop = find_loop(file.read())
    products = [line for line in loop if MULTIPLY.match(line)]
    if not products:
        print(f"{target:14} {name:5} no such instruction", flush=True)
        return
    names = " ".join(sorted({line.split()[0] for line in products}))
    spills = sum(bool(re.search(r"\[sp\b|%[re]sp", line)) for line in loop)
    whole, least = (get_cycles(lines, triple, target) for lines in (loop, products))
    print(f"{target:14} {name:5} {len(products):3} {names:8} of {len(loop):3} instructions, "
          f"{spills} spills, {whole:6.2f} cycles, {least / whole:.2f} of the peak", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rows = subprocess.run([tool("mopt-opt"), "--mopt-list-targets"], check=True,
                          capture_output=True, text=True).stdout
    rows = json.loads(rows)["targets"]
    for target in sys.argv[1:]:
        triple, = (row["triple"] for row in rows if row["name"] == target)
        with tempfile.TemporaryDirectory() as folder:
            for name, kind, precision in KINDS:
                measure(target, triple, name, kind, precision, folder)


if __name__ == "__main__":
    main()

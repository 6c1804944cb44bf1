#!/usr/bin/env python3
"""Assembles the code for devices in the input: a module's attribute `mopt.device_code`, or PTX
itself. Prints a line for each kernel, and fails where ptxas refuses one, spills registers to
memory or warns, as where it serializes asynchronous products.
usage: assemble.py PTXAS [-arch=sm_XX] < MODULE-OR-PTX
"""

import re
import subprocess
import sys
import tempfile

ATTRIBUTE = re.compile(r'mopt\.device_code = "((?:[^"\\]|\\.)*)"')
SPILL = re.compile(r"(\d+) bytes spill (?:stores|loads)")


def find_code(text):
    """The PTX, one string for each module."""
    found = [re.sub(r"\\([0-9A-Fa-f]{2}|.)", unescape, code) for code in ATTRIBUTE.findall(text)]
    return found or ([text] if ".version" in text else [])


def unescape(match):
    code = match[1]
    return chr(int(code, 16)) if len(code) == 2 else {"n": "\n", "t": "\t"}.get(code, code)


def assemble(ptxas, code):
    """What is wrong with it."""
    arch = re.search(r"^\.target (\w+)", code, re.MULTILINE)[1]
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(code)
        file.flush()
        done = subprocess.run([ptxas, f"-arch={arch}", "-v", file.name, "-o", "/dev/null"],
                              capture_output=True, text=True)
    log = done.stdout + done.stderr
    wrong = [line for line in log.split("\n") if re.search(r"\b(error|warning)\b|C75\d\d", line)]
    if done.returncode and not wrong:
        wrong.append(f"ptxas: exit status {done.returncode}")
    kernel, kernels = "?", 0
    for line in log.split("\n"):
        if found := re.search(r"Compiling entry function '(\S+)'", line):
            kernel, kernels = found[1], kernels + 1
        if any(int(count) for count in SPILL.findall(line)):
            wrong.append(f"{kernel}: {line.strip()}")
        if found := re.search(r"Used (\d+) registers", line):
            print(f"{arch} {kernel}: {found[1]} registers")
    expected = len(re.findall(r"^\s*\.visible \.entry", code, re.MULTILINE))
    if not done.returncode and kernels != expected:
        wrong.append(f"expected {expected} kernels, found {kernels} in ptxas's log")
    return wrong


def main(arguments):
    modules = find_code(sys.stdin.read())
    if not modules:
        sys.exit("expected code for a device, found none")
    wrong = [line for code in modules for ptxas in arguments for line in assemble(ptxas, code)]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(sys.argv[1:])

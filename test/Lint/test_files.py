"""Sizes, names and contents of source files."""

import re

import tree

SOURCES = {".cpp", ".h", ".c", ".td", ".py"}
MOST_LINES = 600


def test_files_are_short():
    long = []
    for path in tree.files(suffixes=SOURCES):
        lines = tree.text(path).count("\n")
        if lines > MOST_LINES:
            long.append(f"{tree.name(path)}: {lines} lines, at most {MOST_LINES}")
    assert not long, "\n".join(long)


def test_names_say_what_is_inside():
    vague = re.compile(r"(util|utils|utilities|common|helper|helpers|misc)$", re.IGNORECASE)
    found = {tree.name(path) for path in tree.files()
             for part in path.relative_to(tree.ROOT).with_suffix("").parts if vague.search(part)}
    assert not found, "\n".join(sorted(found))


def test_sources_say_what_they_are_for():
    """Each source of the compiler opens with a comment of at most eight lines."""
    found = []
    for path in tree.files("lib", "tools", "python/native", suffixes={".cpp", ".c"}):
        head = re.match(r"(//[^\n]*\n)+|/\*.*?\*/", tree.text(path), re.DOTALL)
        if not head:
            found.append(f"{tree.name(path)}: opens without a comment")
        elif head.group().count("\n") > 8:
            found.append(f"{tree.name(path)}: opens with more than 8 lines of comment")
    assert not found, "\n".join(found)


def test_no_machine_is_named():
    """Paths of one machine, unfinished work."""
    paths = re.compile(r"(?<![\w.}])/(work|home|root|mnt)/\w|\.\./shared")
    unfinished = re.compile(r"\b(TODO|FIXME|XXX)\b")
    # The one file that may know what lies beside a checkout.
    exempt = {".ci/run", "test/Lint/test_files.py"}
    found = []
    for path in tree.files():
        if tree.name(path) in exempt:
            continue
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            if paths.search(line) or unfinished.search(line):
                found.append(f"{tree.name(path)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_code_for_devices_is_assembled():
    """FileCheck does not see what an assembler refuses, nor spills."""
    assembled = "".join(tree.text(path) for path in tree.files("test", suffixes={".test"})
                        if "%assemble" in tree.text(path))
    found = [tree.name(path) for path in tree.files("test", suffixes={".mlir"})
             if "-mopt-emit-device-code" in tree.text(path)
             and "%assemble" not in tree.text(path) and path.name not in assembled]
    assert not found, "code that no test gives to %assemble: " + ", ".join(found)

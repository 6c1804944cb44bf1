"""The compiler links Debian's shared MLIR and LLVM, and has no second copy of them."""

import re
import subprocess

import pytest
import tree

LIBRARY = tree.BUILD / "lib" / "libmopt-compiler.so"
TOOLS = ["mopt-compile", "mopt-opt"]
# A static copy of MLIR would add tens of megabytes.
MOST_BYTES = 48 << 20


def needed(path):
    dump = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True)
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", dump.stdout))


def test_the_compiler_links_shared_libraries():
    libraries = needed(LIBRARY)
    assert any(name.startswith("libMLIR.so") for name in libraries), libraries
    assert any(name.startswith("libLLVM") for name in libraries), libraries


def test_no_static_mlir_on_a_link_line():
    ninja = (tree.BUILD / "build.ninja").read_text(encoding="utf-8")
    found = set(re.findall(r"\S*/lib(?:MLIR|LLVM)\w*\.a\b", ninja))
    assert not found, "\n".join(sorted(found))


def test_the_compiler_is_small():
    assert LIBRARY.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_share_the_compiler(tool):
    assert LIBRARY.name in needed(tree.BUILD / "bin" / tool)


def test_the_runner_needs_no_compiler():
    found = [name for name in needed(tree.BUILD / "bin" / "mopt-run")
             if name.startswith(("libMLIR", "libLLVM", "libmopt"))]
    assert not found, found

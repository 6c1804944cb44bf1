"""Only the folders of a target know what it is called."""

import re

import tree

# Names of architectures, their extensions and processors.
TARGET_NAME = re.compile(
    r"\b(x86(_64|-64)?|avx\w*|amx\w*|sse\d\w*|neon|sve2?|sme|aarch64|arm64|armv\d\w*|nvptx\w*"
    r"|sm_\d+\w*|skylake\w*|icelake\w*|sapphirerapids|znver\d|zen\d|cortex\w*|neoverse\w*)\b",
    re.IGNORECASE)

# Where targets live. CMake files name the folders of targets.
OWNERS = ["lib/Target", "include/mopt/Target", "lib/Runtime/X86", "lib/Runtime/AArch64"]


def code(path):
    """The text without comments and without descriptions (.td), which may give examples."""
    text = tree.text(path)
    if path.suffix == ".td":
        text = re.sub(r"\[\{.*?\}\]", "", text, flags=re.DOTALL)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"//.*", "", text)


def test_target_names_stay_with_the_targets():
    found = []
    for path in tree.files("lib", "include", "tools", suffixes={".cpp", ".h", ".c", ".td"}):
        if any(path.is_relative_to(tree.ROOT / owner) for owner in OWNERS):
            continue
        for number, line in enumerate(code(path).split("\n"), 1):
            for match in TARGET_NAME.finditer(line):
                found.append(f"{tree.name(path)}: '{match.group()}' in: {line.strip()}")
    assert not found, "\n".join(found)


# Which folder of lib/ may include headers of which, from the front of the compiler
# to its back.
ALLOWED = {
    "Dialect": {"Dialect", "Support"},
    "Import": {"Import", "Dialect", "Support"},
    # The importer expands composite operators by ONNX's function bodies.
    "Conversion": {"Conversion", "Dialect", "Import", "Support"},
    "Transforms": {"Transforms", "Dialect", "Target", "Support"},
    "Codegen": {"Codegen", "Dialect", "Target", "Support"},
    "Target": {"Target", "Dialect", "Support"},
    "Pipelines": {"Pipelines", "Transforms", "Codegen", "Conversion", "Dialect", "Target",
                  "Support"},
}


def test_layers_include_only_those_below():
    found = []
    for layer, allowed in ALLOWED.items():
        for path in tree.files(f"lib/{layer}", f"include/mopt/{layer}",
                               suffixes={".cpp", ".h", ".td"}):
            for other in re.findall(r'include "mopt/(\w+)/', tree.text(path)):
                if other not in allowed:
                    found.append(f"{tree.name(path)}: includes mopt/{other}/")
    assert not found, "\n".join(found)


def test_the_runtime_needs_nothing_of_the_compiler():
    found = [f"{tree.name(path)}: {line}"
             for path in tree.files("lib/Runtime", suffixes={".c", ".h"})
             for line in tree.text(path).split("\n")
             if re.match(r'#\s*include\s*[<"](mopt/|mlir/|llvm/)', line)]
    assert not found, "\n".join(found)

"""A pass has one name in its four places: form-kernels in Passes.td, FormKernels.cpp in
lib/, form-kernels.mlir in test/, and a summary and a description for the reference."""

import re

import pytest
import tree

PASSES = [(name, argument, path.parent.relative_to(tree.ROOT / "include" / "mopt"), body)
          for path in tree.files("include/mopt", suffixes={".td"}) if path.name == "Passes.td"
          for name, argument, body in re.findall(
              r'^def (\w+)\s*:\s*(?:Interface)?Pass<"([\w-]+)".*?\{(.*?)^\}', tree.text(path),
              re.MULTILINE | re.DOTALL)]
IDS = [argument for _, argument, _, _ in PASSES]


@pytest.mark.parametrize("name, argument, area, body", PASSES, ids=IDS)
def test_pass_is_where_its_name_says(name, argument, area, body):
    sources = {path.stem for path in tree.files(f"lib/{area}", suffixes={".cpp"})}
    assert name in sources, f"no lib/{area}/**/{name}.cpp"
    assert argument.removeprefix("mopt-") == "-".join(
        part.lower() for part in re.findall(r"ONNX|LLVM|ABI|[A-Z][a-z0-9]*", name))
    assert "let summary" in body and "let description" in body


@pytest.mark.parametrize("name, argument, area, body", PASSES, ids=IDS)
def test_pass_has_a_test(name, argument, area, body):
    stem = argument.removeprefix("mopt-")
    cases = {path.stem: path for path in tree.files("test", suffixes={".mlir", ".test"})}
    assert stem in cases, f"no {stem}.mlir under test/"
    assert argument in tree.text(cases[stem]) or name in tree.text(cases[stem])


@pytest.mark.parametrize("name, argument, area, body", PASSES, ids=IDS)
def test_pass_is_in_the_architecture_if_it_runs(name, argument, area, body):
    """The page's table of pipelines names every pass that they run."""
    pipelines = tree.text(tree.ROOT / "lib" / "Pipelines" / "Pipelines.cpp")
    page = tree.text(tree.ROOT / "docs" / "Architecture.md")
    assert (f"create{name}(" in pipelines) == bool(re.search(rf"(?<![\w-]){argument}(?![\w-])", page))

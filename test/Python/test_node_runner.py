"""The runner of the conformance tests: it counts the whole suite, and a crash, a hang
or a wrong answer of a backend becomes a result."""

import json

import node_cases
import node_report
import node_tests


def run(tmp_path, backend, *arguments):
    path = tmp_path / "results.json"
    code = node_tests.main(["--backend", backend, "--json", str(path), *arguments])
    return code, json.loads(path.read_text())


def test_the_suite_is_complete():
    cases = node_cases.load()
    assert len(cases) == 2033
    assert sum(case.kind == "node" for case in cases) == 1884
    assert sum(case.expanded for case in cases) == 480
    operators = {case.name: case.operator for case in cases}
    assert operators["test_softmax_axis_0_expanded"] == "Softmax"
    assert operators["test_nonmaxsuppression_two_classes"] == "NonMaxSuppression"


def test_passes_are_counted_by_operator(tmp_path, capsys):
    code, results = run(tmp_path, "reference_backend", "--filter", "^test_softmax", "--min-pass", "5")
    assert code == 0
    assert results["counts"] == {"pass": len(results["tests"])}
    assert "Softmax" in capsys.readouterr().out


def test_every_failure_is_told_apart(tmp_path):
    code, results = run(tmp_path, "failing_backend", "--filter",
                        "^test_(acos|asin|atan|cos|cosh|sinh|abs)$", "-j", "2", "--timeout", "3",
                        "--forbid", "wrong,crash,hang")
    outcomes = {test["operator"]: test["outcome"] for test in results["tests"]}
    assert outcomes == {"Acos": "crash", "Asin": "hang", "Atan": "unsupported", "Cosh": "error",
                        "Sinh": "crash", "Cos": "wrong", "Abs": "pass"}
    assert code == 1


def test_shards_cover_the_suite_once(tmp_path):
    names = []
    for shard in range(3):
        _, results = run(tmp_path, "reference_backend", "--filter", "^test_(add|sub|mul)",
                         "--shard", f"{shard}/3")
        names += [test["name"] for test in results["tests"]]
    _, whole = run(tmp_path, "reference_backend", "--filter", "^test_(add|sub|mul)")
    assert sorted(names) == sorted(test["name"] for test in whole["tests"])


def test_a_page_is_made_of_results(tmp_path):
    _, results = run(tmp_path, "failing_backend", "--filter", "^test_(abs|atan)$")
    page = node_report.page(results, results)
    assert "| Abs | 1/1 |  | 1/1 |" in page
    assert "| Atan | 0/1 |  | 0/1 |" in page
    assert "- Atan, 1: " in page
    page = node_report.page(results, results, dict(results, arguments="--target=other"))
    assert "--backend=failing_backend --arguments=--target=other" in page
    assert "- `--target=other`: " in page

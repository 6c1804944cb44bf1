"""The demo: three networks compiled ahead of time read what is drawn, word for word as
ONNX Runtime's sessions do."""

import importlib.util
import os
import pathlib

import pytest

PATH = pathlib.Path(__file__).resolve().parents[2] / "python" / "demo" / "ocr.py"


@pytest.fixture(scope="module")
def ocr():
    spec = importlib.util.spec_from_file_location("ocr", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drawn_text_is_read(ocr):
    lines, times, total = ocr.onnxruntime_reader(threads=1).read(ocr.draw_picture())
    assert "Machine learning compilers" in lines
    assert ocr.UPSIDE_DOWN in lines
    assert set(times) == set(ocr.MODELS) and 0 < sum(times.values()) < total


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """The folder of scripts/demo, whose libraries are used while they are current."""
    build = os.environ.get("MOPT_BUILD")
    return os.path.join(build, "demo") if build else str(tmp_path_factory.mktemp("demo"))


def test_compiled_networks_read_the_same(ocr, libraries, capsys):
    status = ocr.main(["--libraries", libraries, "--threads", "2", "--repetitions", "1"])
    printed = capsys.readouterr().out
    assert status == 0, printed
    assert printed.count("Machine learning compilers") == 2
    assert printed.count(ocr.UPSIDE_DOWN) == 2
    assert "mopt: " in printed and "ONNX Runtime: " in printed
    assert "the readings are the same" in printed


def test_other_pictures_are_read_the_same(ocr, libraries):
    """Of other sizes, so that every network meets other shapes; a blank one has no text."""
    engines = ocr.mopt_reader(libraries, 1), ocr.onnxruntime_reader(1)
    picture = ocr.draw_picture()
    for crop in [picture[:150, :480], picture[10:347, 20:611], 0 * picture[:96, :160] + 255]:
        ours, theirs = (engine.read(crop)[0] for engine in engines)
        assert ours == theirs

"""The demo's reader: with ONNX Runtime's sessions it reads what was drawn."""

import importlib.util
import pathlib

PATH = pathlib.Path(__file__).resolve().parents[2] / "python" / "demo" / "ocr.py"


def test_the_drawn_text_is_read():
    spec = importlib.util.spec_from_file_location("ocr", PATH)
    ocr = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ocr)
    lines, times, total = ocr.onnxruntime_reader(threads=1).read(ocr.draw_picture())
    assert "Machine learning compilers" in lines
    assert ocr.UPSIDE_DOWN in lines
    assert set(times) == set(ocr.MODELS) and 0 < sum(times.values()) < total

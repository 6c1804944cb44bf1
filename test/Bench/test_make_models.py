"""bench/make-models: of several that run side by side one makes a model."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_one_makes_what_several_ask_for(tmp_path):
    makers = [subprocess.Popen([sys.executable, ROOT / "bench" / "make-models", tmp_path,
                                "mobilenet_v2.qdq_u8s8"], stderr=subprocess.PIPE, text=True)
              for _ in range(3)]
    messages = [maker.communicate()[1] for maker in makers]
    assert [maker.returncode for maker in makers] == [0, 0, 0], messages
    for name in ("mobilenet_v2", "mobilenet_v2.qdq_u8s8"):
        made = sum(line.startswith(f"{name}: ") for text in messages for line in text.splitlines())
        assert made == 1
        assert (tmp_path / f"{name}.onnx").exists()

"""bench/pack-remote: what it packs runs by itself where it is unpacked."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ["MOPT_BUILD"]
# Nothing of this build may be found by way of the environment.
PLAIN = {key: value for key, value in os.environ.items()
         if key not in ("PYTHONPATH", "MOPT_BIN_DIR", "MOPT_BUILD", "LD_LIBRARY_PATH")}


def call(*command, **options):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True,
                          **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done


def test_a_bundle_measures_models_elsewhere(tmp_path):
    parts, bundle = tmp_path / "parts", tmp_path / "bundle"
    call(ROOT / "bench" / "pack-remote", parts, "mlp", "--build", BUILD, "--preset", 0,
         "--part-mib", 60)
    names = sorted(os.listdir(parts))
    assert names == [f"part-{n + 1}" for n in range(len(names))] and len(names) > 1
    assert all((parts / name).stat().st_size <= 60 << 20 for name in names)

    # Each part comes by itself, in any order.
    unpack = ROOT / "bench" / "remote" / "unpack"
    for name in reversed(names):
        call(unpack, bundle, parts / name, env=PLAIN)
    call(unpack, bundle, "--finish", env=PLAIN)
    assert not (bundle / "models").exists()

    measure = [bundle / "bench" / "remote" / "measure", "--rounds", 2, "--seconds", 0.05]
    call(*measure, "--threads=1,2", env=PLAIN)
    report = json.loads((bundle / "results" / "all.json").read_text())
    row, = report["rows"]
    assert row["model"] == "mlp" and row["mopt"]["target"]
    assert {(t["engine"], t["threads"]) for t in row["timings"]} == {
        (engine, threads) for engine in ("mopt", "onnxruntime") for threads in (1, 2)}
    for timing in row["timings"]:
        assert timing["error"] is None and timing["median_ms"] > 0 and timing["runs"] > 1
        assert not timing.get("disagrees")
    assert "| mlp |" in (bundle / "results" / "table.md").read_text()
    # What is done is not done again.
    before = (bundle / "results" / "mlp.json").stat().st_mtime_ns
    call(*measure, env=PLAIN)
    assert (bundle / "results" / "mlp.json").stat().st_mtime_ns == before


def test_a_missing_part_is_noticed(tmp_path):
    (tmp_path / "part-2").write_bytes(b"x")
    done = subprocess.run([sys.executable, ROOT / "bench" / "remote" / "unpack", tmp_path / "out",
                           tmp_path / "part-2", "--finish"], capture_output=True, text=True)
    assert done.returncode != 0 and "parts are missing" in done.stderr

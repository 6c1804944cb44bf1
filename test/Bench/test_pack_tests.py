"""bench/pack-tests: what it packs has all that the tests need, by itself where it is unpacked."""

import os
import pathlib
import subprocess
import sys
import sysconfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["MOPT_BUILD"]).resolve()


def test_a_bundle_has_what_tests_need(tmp_path):
    parts, bundle = tmp_path / "parts", tmp_path / "bundle"
    subprocess.run([sys.executable, ROOT / "bench" / "pack-tests", parts, "--preset=0",
                    "--build", BUILD], check=True)
    names = sorted(parts.iterdir())
    assert len(names) > 1
    subprocess.run([sys.executable, ROOT / "bench" / "remote" / "unpack", bundle, *names,
                    "--finish"], check=True)

    # In the place of '/', which is not a test's to write to: a prefix, for its paths and its
    # Python's. The C compiler is the machine's own.
    there, build = bundle / ROOT.relative_to("/"), bundle / BUILD.relative_to("/")
    python = bundle / pathlib.Path(sys.prefix).relative_to("/") / "bin" / "python"
    site = bundle / sysconfig.get_path("purelib").lstrip("/")
    assert os.access(bundle / "mopt-tests", os.X_OK)
    environment = {"LD_LIBRARY_PATH": str(build / "bundled-lib"),
                   "PATH": f"{build}/bin:{bundle}/usr/bin:/usr/bin:/bin",
                   "PYTHONHOME": str(bundle / sys.base_prefix.lstrip("/")),
                   "PYTHONPATH": f"{site}:{there}/python:{build}/python",
                   "MOPT_BUILD": str(build), "MOPT_BIN_DIR": str(build / "bin"),
                   "PYTHONDONTWRITEBYTECODE": "1"}

    def call(*words):
        done = subprocess.run([python, *words], cwd=there, env=environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # A model is made, compiled and run, in several processes of pytest.
    made = call("-m", "pytest", "-q", "-n", "2", "test/Python/test_sizes.py",
                "test/Python/test_session.py")
    assert " passed" in made
    assert "collected" in call("-m", "pytest", "--collect-only", "test/Python")

"""The installed package: find_package(mopt), mopt_add_model(), rebuilds, a cross build,
a pass plugin, and tools that run from where they were installed."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["MOPT_BUILD"])
KERNEL = """
func.func private @one(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> attributes {mopt.kernel} {
  %0 = mopt.matmul %x, %y : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
"""


def call(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          errors="replace", **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """An install tree, at another place than it was installed to."""
    folder = tmp_path_factory.mktemp("install")
    call("cmake", "--install", BUILD, "--component", "mopt", "--prefix", folder / "first")
    return (folder / "first").rename(folder / "moved")


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    call(sys.executable, HERE.parent / "CAPI" / "Inputs" / "make-models.py", cwd=folder)
    return folder


def configure(project, folder, prefix, *options):
    call("cmake", "-G", "Ninja", "-S", HERE / project, "-B", folder,
         f"-Dmopt_DIR={prefix}/lib/cmake/mopt", *options)


def build(folder):
    return call("cmake", "--build", folder)


def test_example(prefix, models, tmp_path):
    mine = shutil.copytree(models, tmp_path / "models")
    out = tmp_path / "out"
    configure("example", out, prefix, f"-DMODELS={mine}")
    assert "Compiling the model image" in build(out)
    lines = call(out / "example").splitlines()
    assert lines[:2] == ["image: 1.000", "text: 3 2"]
    assert '"numerics":"strict"' in lines[2] and '"x":[2,3,32]' in lines[2]
    # Nothing to do, then only what depends on the model that changed.
    assert "no work to do" in build(out)
    os.utime(mine / "text.onnx")
    log = build(out)
    assert "Compiling the model text" in log and "Compiling the model image" not in log
    assert "no work to do" in build(out)
    # A new compiler compiles again.
    os.utime(prefix / "bin" / "mopt-compile")
    assert "Compiling the model image" in build(out)


def test_external_weights_are_dependencies(prefix, models, tmp_path):
    import onnx

    onnx.save(onnx.load(models / "text.onnx"), tmp_path / "text.onnx", save_as_external_data=True,
              location="text.weights", size_threshold=0)
    shutil.copy(models / "image.onnx", tmp_path)
    out = tmp_path / "out"
    configure("example", out, prefix, f"-DMODELS={tmp_path}")
    build(out)
    os.utime(tmp_path / "text.weights")
    log = build(out)
    assert "Compiling the model text" in log and "Compiling the model image" not in log


def test_same_bytes_in_any_folder(prefix, models, tmp_path):
    for name in ("a", "b"):
        configure("example", tmp_path / name, prefix, f"-DMODELS={models}", "-DROWS=x86-64-v3")
        build(tmp_path / name)
    for library in ("image.mopt/libimage.a", "text.mopt/libtext.so"):
        assert (tmp_path / "a" / library).read_bytes() == (tmp_path / "b" / library).read_bytes()


@pytest.mark.skipif(not shutil.which("qemu-aarch64") or not shutil.which("aarch64-linux-gnu-gcc"),
                    reason="no cross compiler or emulator")
def test_cross_build(prefix, models, tmp_path):
    toolchain = tmp_path / "toolchain.cmake"
    toolchain.write_text("set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR aarch64)\n"
                         "set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)\n")
    out = tmp_path / "out"
    configure("example", out, prefix, f"-DMODELS={models}", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}")
    build(out)
    lines = call("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", out / "example").splitlines()
    assert lines[:2] == ["image: 1.000", "text: 3 2"]
    assert '"triple":"aarch64' in lines[2]


def configure_machines(models, out, prefix, *options):
    mine = shutil.copytree(models, out.parent / "models")
    configure("machines", out, prefix, f"-DMODELS={mine}", *options)
    assert "Compiling the model image" in build(out)
    return mine


def fail(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


RESULT = {"in_c": ["C: 1.000"], "in_cxx": ["C++, static: 1.000", "C++, shared: 1.000"]}


def check_device(*program):
    """The model's result where a device is, else what is missing."""
    line, = call(*program).splitlines()
    assert line == "device: 1.000" or re.match("no device: .*(driver|device|GPU)", line), line


def compiled(log):
    """The models that a build compiled."""
    return sorted(set(re.findall(r"Compiling the model (\w+)", log)))


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the rows are of x86-64")
def test_only_what_changed_is_built(prefix, models, tmp_path):
    """A source, a model's contents, the folder without changes."""
    import onnx

    project, out = shutil.copytree(HERE / "machines", tmp_path / "project"), tmp_path / "out"
    mine = shutil.copytree(models, tmp_path / "models")
    configure(project, out, prefix, f"-DMODELS={mine}")
    assert compiled(build(out)) == ["device_image", "image", "shared_image"]
    source = project / "in_c.c"
    source.write_text(source.read_text().replace('"C: ', '"in C: '))
    log = build(out)
    assert not compiled(log) and "in_c.c.o" in log and "in_cxx" not in log
    assert call(out / "in_c") == "in C: 1.000\n"
    # Ten outputs of 0.25 instead of shares of 1.
    model = onnx.load(mine / "image.onnx")
    model.graph.node[-1].op_type = "HardSigmoid"
    model.graph.node[-1].attribute.extend([onnx.helper.make_attribute("alpha", 0.0),
                                           onnx.helper.make_attribute("beta", 0.25)])
    onnx.save(model, mine / "image.onnx")
    assert compiled(build(out)) == ["device_image", "image", "shared_image"]
    assert call(out / "in_c") == "in C: 2.500\n"
    assert call(out / "in_cxx").splitlines() == ["C++, static: 2.500", "C++, shared: 2.500"]
    assert "no work to do" in build(out)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the rows are of x86-64")
def test_one_library_for_several_machines(prefix, models, tmp_path):
    out = tmp_path / "out"
    mine = configure_machines(models, out, prefix)
    for target in ("", "x86-64-v2"):
        for program, lines in RESULT.items():
            found = call(out / program, env=dict(os.environ, MOPT_TARGET=target))
            assert found.splitlines() == lines
    check_device(out / "on_device")
    assert fail(out / "in_c", env=dict(os.environ, MOPT_TARGET="znver4")) == (
        "MOPT_TARGET: expected one of: x86-64-v4 x86-64-v3 x86-64-v2, found 'znver4'\n")
    # Only what changed.
    assert "no work to do" in build(out)
    os.utime(out.parent / "models" / "text.onnx")
    assert "no work to do" in build(out)
    os.utime(mine / "image.onnx")
    assert "Compiling the model image" in build(out)
    assert "no work to do" in build(out)


@pytest.mark.skipif(not shutil.which("qemu-aarch64") or not shutil.which("aarch64-linux-gnu-g++"),
                    reason="no cross compiler or emulator")
def test_one_library_for_several_machines_elsewhere(prefix, models, tmp_path):
    out = tmp_path / "out"
    toolchain = HERE / "machines" / "aarch64.cmake"
    configure_machines(models, out, prefix, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}")
    for cpu in ("cortex-a53", "cortex-a76", "max"):
        emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", cpu]
        for program, lines in RESULT.items():
            assert call(*emulator, out / program).splitlines() == lines
    check_device(*emulator, out / "on_device")
    assert "MOPT_TARGET: code for 'cortex-a76' needs" in fail(
        *emulator[:-1], "cortex-a53", out / "in_c", env=dict(os.environ, MOPT_TARGET="cortex-a76"))


@pytest.mark.parametrize("arguments, message", [
    ("bad-name MODEL m.onnx", "expected a C identifier"),
    ("m", "expected MODEL"),
    ("m MODEL m.onnx STATIC SHARED", "STATIC excludes SHARED"),
    ("m MODEL m.onnx FROB", "unknown argument 'FROB'")])
def test_wrong_calls_are_named(prefix, tmp_path, arguments, message):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(p LANGUAGES C)\n"
        f"find_package(mopt REQUIRED)\nmopt_add_model({arguments})\n")
    done = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "out",
                           f"-Dmopt_DIR={prefix}/lib/cmake/mopt"], capture_output=True, text=True)
    assert done.returncode != 0 and message in " ".join(done.stderr.split())


def test_pass_plugin(prefix, tmp_path):
    out = tmp_path / "out"
    configure("plugin", out, prefix)
    build(out)
    (tmp_path / "kernel.mlir").write_text(KERNEL)
    done = subprocess.run([prefix / "bin" / "mopt-opt", tmp_path / "kernel.mlir",
                           f"--load-pass-plugin={out}/libcount-ops.so",
                           "--pass-pipeline=builtin.module(example-count-ops)"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "remark: 1 contractions" in done.stderr


def test_installed_tools_run(prefix, models, tmp_path):
    library = tmp_path / "image.so"
    call(prefix / "bin" / "mopt-compile", models / "image.onnx", "-o", library)
    assert "output 'y': float32 1x10" in call(prefix / "bin" / "mopt-run", library, "--random")
    for tool in ("mopt-lsp-server", "mopt-reduce", "mopt-opt"):
        call(prefix / "bin" / tool, "--help")


def test_the_install_tree_knows_no_machine(prefix):
    """Neither the build folder nor the first place is written anywhere in it."""
    for path in prefix.rglob("*"):
        if path.is_file() and path.suffix in {".cmake", ".h", ".td", ".inc"}:
            text = path.read_text()
            assert str(BUILD) not in text and str(prefix.parent / "first") not in text, path

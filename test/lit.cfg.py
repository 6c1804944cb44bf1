"""lit's configuration: what the tests run and which features they may need."""

import ctypes
import os
import shutil

import lit.formats

config.name = "mopt"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".td"]
config.excludes = ["Inputs", "Unit", "Python", "Package"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.mopt_build, "test")

path = [os.path.join(config.mopt_build, "bin"), config.llvm_tools,
        config.environment.get("PATH", "")]
config.environment["PATH"] = os.pathsep.join(path)

config.substitutions += [
    ("%cc", config.c_compiler),
    ("%python", config.python),
    ("%include", os.path.join(config.mopt_source, "include")),
    ("%build", config.mopt_build),
]

# What this machine can do. MOPT_AVX512_RUNNER is the command of an emulator for
# processors without AVX-512, for instance "sde64 -spr --".
with open("/proc/cpuinfo", encoding="utf-8") as file:
    flags = set(file.read().split())
for feature, flag in {"avx2": "avx2", "avx512": "avx512vl", "amx": "amx_tile"}.items():
    if flag in flags:
        config.available_features.add(feature)
config.available_features.add("host-" + os.uname().machine)
runner = "" if "avx512vl" in flags else os.environ.get("MOPT_AVX512_RUNNER", "")
if runner:
    config.available_features.add("avx512")
elif "avx512vl" not in flags:
    lit_config.note("the AVX-512 tests are skipped: no such processor, and "
                    "MOPT_AVX512_RUNNER names no emulator")
config.substitutions.append(("%avx512-run", runner))

cross = "aarch64-linux-gnu-gcc"
if shutil.which("qemu-aarch64") and shutil.which(cross):
    config.available_features.add("qemu-aarch64")
    config.substitutions += [
        ("%aarch64-cc", cross),
        ("%aarch64-run", "qemu-aarch64 -L /usr/aarch64-linux-gnu"),
    ]
# Processors with less than this one.
if os.uname().machine == "x86_64" and shutil.which("qemu-x86_64"):
    config.available_features.add("qemu-x86_64")
toolkit = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
if toolkit:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", toolkit))
else:
    lit_config.note("code for devices is not assembled: no ptxas")
assemble = os.path.join(config.test_source_root, "Target", "NVPTX", "Inputs", "assemble.py")
config.substitutions.append(("%assemble", f"{config.python} {assemble} {toolkit or ''}"))
try:
    ctypes.CDLL("libcuda.so.1")
except OSError:
    config.available_features.add("no-nvidia-driver")
for tool in ("valgrind", "ldd"):
    if shutil.which(tool):
        config.available_features.add(tool)

"""lit's configuration: what the tests run and which features they may need."""

import os
import shutil

import lit.formats

config.name = "mopt"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".td"]
config.excludes = ["Inputs", "Unit", "Python"]
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

# What this machine can do.
with open("/proc/cpuinfo") as file:
    flags = set(file.read().split())
for feature in ("avx2", "avx512f", "amx_tile"):
    if feature in flags:
        config.available_features.add(feature.split("_")[0].removesuffix("f"))
config.available_features.add("host-" + os.uname().machine)

cross = "aarch64-linux-gnu-gcc"
if shutil.which("qemu-aarch64") and shutil.which(cross):
    config.available_features.add("qemu-aarch64")
    config.substitutions += [
        ("%aarch64-cc", cross),
        ("%aarch64-run", "qemu-aarch64 -L /usr/aarch64-linux-gnu"),
    ]
for tool in ("valgrind", "ldd"):
    if shutil.which(tool):
        config.available_features.add(tool)

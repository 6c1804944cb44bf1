// RUN: mopt-opt %s --split-input-file --mopt-assign-target=target=x86-64-v3 | FileCheck %s --check-prefix=ROW
// RUN: mopt-opt %s --split-input-file --mopt-assign-target | FileCheck %s --check-prefix=KEEP
// RUN: mopt-opt %s --split-input-file --mopt-assign-target="triple=aarch64-linux-gnu features=+dotprod" | FileCheck %s --check-prefix=CUSTOM
// RUN: not mopt-opt %s --split-input-file --mopt-assign-target=target=pdp-11 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not mopt-opt %s --split-input-file --mopt-assign-target="target=x86-64-v3 cpu=generic" 2>&1 | FileCheck %s --check-prefix=BOTH
// RUN: not mopt-opt %s --split-input-file --mopt-assign-target=triple=riscv64-linux-gnu 2>&1 | FileCheck %s --check-prefix=TRIPLE
// RUN: not mopt-opt %s --split-input-file --mopt-assign-target=cpu=pdp-11 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not mopt-opt %s --split-input-file --mopt-assign-target=features=avx2 2>&1 | FileCheck %s --check-prefix=FEATURE

// ROW: mopt.target = #mopt.target<name = "x86-64-v3", triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3"
// ROW-SAME: +avx2
// ROW-SAME: vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768
// KEEP: mopt.target = #mopt.target<name = "{{.+}}"
// CUSTOM: mopt.target = #mopt.target<name = "generic", triple = "aarch64-unknown-linux-gnu", cpu = "generic"
// CUSTOM-SAME: +dotprod
// CUSTOM-SAME: vectorBits = 128
// UNKNOWN: error: unknown target 'pdp-11', expected one of: native {{.*}}x86-64-v3
// BOTH: error: a target name excludes a triple, processor and features, found 'x86-64-v3' with both
// TRIPLE: error: no code generator for the triple 'riscv64-unknown-linux-gnu'
// CPU: error: unknown processor 'pdp-11'
// FEATURE: error: unknown feature 'avx2', expected '+name' or '-name'
module {}

// -----

// A machine that a test invented stays.
// KEEP: mopt.target = #mopt.target<name = "toy"
module attributes {mopt.target = #mopt.target<name = "toy", triple = "t",
    cpu = "c", features = "", vectorBits = 64, vectorRegisters = 8,
    l1Bytes = 1, l2Bytes = 2>} {}

mopt_runtime_bitcode(x86_64 X86/relax.c
  FLAGS --target=x86_64-unknown-linux-gnu -march=x86-64)

# The headers of Debian's cross C library. Outlined atomics would be calls into
# libgcc.
find_path(MOPT_AARCH64_INCLUDE pthread.h
  PATHS /usr/aarch64-linux-gnu/include NO_DEFAULT_PATH)
if(MOPT_AARCH64_INCLUDE)
  mopt_runtime_bitcode(aarch64 AArch64/relax.c
    FLAGS --target=aarch64-unknown-linux-gnu -march=armv8-a -mno-outline-atomics
          -isystem ${MOPT_AARCH64_INCLUDE})
else()
  message(STATUS "No libc6-dev-arm64-cross: mopt-compile will not link AArch64 libraries")
endif()

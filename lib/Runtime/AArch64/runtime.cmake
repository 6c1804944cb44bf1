# On another machine, the headers of Debian's cross C library. Outlined atomics
# would be calls into libgcc.
set(include /usr/aarch64-linux-gnu/include)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  set(include_flags)
elseif(EXISTS ${include}/pthread.h)
  set(include_flags -isystem ${include})
else()
  message(STATUS "No libc6-dev-arm64-cross: mopt-compile will not link AArch64 libraries")
  return()
endif()
mopt_runtime_bitcode(aarch64 AArch64/features.c AArch64/relax.c AArch64/state.c
  FLAGS --target=aarch64-unknown-linux-gnu -march=armv8-a -mno-outline-atomics
        ${include_flags})

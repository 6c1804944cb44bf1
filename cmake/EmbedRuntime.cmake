# cmake -DIN=x.ll -DOUT=y -DLLVM_AS=... -P EmbedRuntime.cmake
# Writes y.bc and y.inc, its bytes as C numbers. The functions lose the
# processor that they were compiled for: they take the model's, and can be
# inlined into generated code.
file(READ ${IN} text)
string(REGEX REPLACE " \"(target-cpu|target-features|tune-cpu)\"=\"[^\"]*\"" "" text "${text}")
# Names of the build folder are no part of a library.
string(REGEX REPLACE "source_filename = \"[^\"]*\"" "source_filename = \"mopt-runtime\"" text "${text}")
file(WRITE ${OUT}.ll "${text}")
execute_process(COMMAND ${LLVM_AS} ${OUT}.ll -o ${OUT}.bc COMMAND_ERROR_IS_FATAL ANY)
file(READ ${OUT}.bc bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUT}.inc "${bytes}\n")

/* Compiles argv[1] to argv[2], from the file and from memory. */
#include "mopt-c/Compiler.h"

#include <stdio.h>
#include <stdlib.h>

static void print(void *user, const MoptDiagnostic *diagnostic) {
  ++*(int *)user;
  printf("%d [%s] [%s] [%s]\n", (int)diagnostic->severity, diagnostic->node,
         diagnostic->op, diagnostic->message);
}

int main(int argc, char **argv) {
  int messages = 0;
  MoptCompiler *compiler = mopt_compiler_create();
  mopt_compiler_on_diagnostic(compiler, print, &messages);
  printf("bad option: %d\n", (int)mopt_compiler_set(compiler, "O", "9"));
  printf("option: %d\n", (int)mopt_compiler_set(compiler, "O", "1"));
  printf("file: %d\n", (int)mopt_compiler_compile(compiler, argv[1], argv[2]));

  FILE *file = fopen(argv[1], "rb");
  fseek(file, 0, SEEK_END);
  size_t bytes = (size_t)ftell(file);
  void *model = malloc(bytes);
  rewind(file);
  bytes = fread(model, 1, bytes, file);
  fclose(file);
  printf("memory: %d\n", (int)mopt_compiler_compile_buffer(
                             compiler, model, bytes, "memory", argv[2]));
  printf("messages: %d\n", messages);
  free(model);
  mopt_compiler_destroy(compiler);
  return 0;
}

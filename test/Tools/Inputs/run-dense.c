/* Calls the model of dense.mlir for a batch of 2 through its typed header. */
#include "dense.h"

#include <stdio.h>

int main(void) {
  const float x[DENSE_X_ELEMENTS] = {1, 1, -1, 0};
  float y[DENSE_Y_ELEMENTS];
  MoptModel *model;
  MoptContext *context;
  const MoptModelApi *api = mopt_model_dense();
  if (api->create(NULL, &model) || api->context_create(model, &context) ||
      dense_run(context, x, y))
    return 1;
  for (int i = 0; i < DENSE_Y_ELEMENTS; ++i)
    printf("%g ", y[i]);
  printf("\n%s\n", api->build_info_json);
  api->context_destroy(context);
  api->destroy(model);
  return 0;
}

/* Runs a model that is linked in and one that is a shared library. */
#include <image.h>
#include <text.h>

#include <stdio.h>

static float x[IMAGE_X_ELEMENTS];

int main(void) {
  float y[IMAGE_Y_ELEMENTS], sum = 0;
  MoptModel *model;
  MoptContext *context;
  const MoptModelApi *api = mopt_model_image();
  if (api->create(NULL, &model) || api->context_create(model, &context) ||
      image_run(context, x, y))
    return 1;
  for (int i = 0; i < IMAGE_Y_ELEMENTS; ++i)
    sum += y[i];
  api->context_destroy(context);
  api->destroy(model);
  printf("%s: %.3f\n", api->name, sum);
  api = mopt_model_text();
  printf("%s: %d %d\n%s\n", api->name, TEXT_X_DIM1, api->output_count,
         api->build_info_json);
  return 0;
}

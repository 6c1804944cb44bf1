/* Says why the model cannot be made on this machine, or what it computes. */
#include <image.h>

#include <stdio.h>
#include <string.h>

static float x[IMAGE_X_ELEMENTS];

int main(void) {
  float y[IMAGE_Y_ELEMENTS], sum = 0;
  char error[512] = "";
  MoptModelOptions options;
  MoptModel *model;
  MoptContext *context;
  const MoptModelApi *api = mopt_model_image();
  memset(&options, 0, sizeof(options));
  options.struct_bytes = sizeof(options);
  options.error = error;
  options.error_bytes = sizeof(error);
  if (api->create(&options, &model)) {
    printf("%s\n", error);
    return 1;
  }
  if (api->context_create(model, &context) || image_run(context, x, y))
    return 1;
  for (int i = 0; i < IMAGE_Y_ELEMENTS; ++i)
    sum += y[i];
  api->context_destroy(context);
  api->destroy(model);
  printf("C: %.3f\n", sum);
  return 0;
}

/* Runs the model whose kernels are for a device, or says why it cannot. */
#include <device_image.h>

#include <stdio.h>
#include <string.h>

static float x[DEVICE_IMAGE_X_ELEMENTS];

int main(void) {
  float y[DEVICE_IMAGE_Y_ELEMENTS], sum = 0;
  char error[512] = "";
  MoptModelOptions options;
  MoptModel *model;
  MoptContext *context;
  const MoptModelApi *api = mopt_model_device_image();
  memset(&options, 0, sizeof(options));
  options.struct_bytes = sizeof(options);
  options.error = error;
  options.error_bytes = sizeof(error);
  if (api->create(&options, &model)) {
    printf("no device: %s\n", error);
    return 0;
  }
  if (api->context_create(model, &context) || device_image_run(context, x, y))
    return 1;
  for (int i = 0; i < DEVICE_IMAGE_Y_ELEMENTS; ++i)
    sum += y[i];
  api->context_destroy(context);
  api->destroy(model);
  printf("device: %.3f\n", sum);
  return 0;
}

// Runs the model that is linked in and the same one from a shared library.
#include <image.h>
#include <shared_image.h>

#include <cstdio>
#include <numeric>
#include <vector>

template <typename Run>
static bool report(const char *name, const MoptModelApi *api, Run run) {
  std::vector<float> x(IMAGE_X_ELEMENTS), y(IMAGE_Y_ELEMENTS);
  MoptModel *model = nullptr;
  MoptContext *context = nullptr;
  if (api->create(nullptr, &model) || api->context_create(model, &context) ||
      run(context, x.data(), y.data()))
    return false;
  std::printf("%s: %.3f\n", name, std::accumulate(y.begin(), y.end(), 0.0f));
  api->context_destroy(context);
  api->destroy(model);
  return true;
}

int main() {
  bool ok = report("C++, static", mopt_model_image(), image_run) &&
            report("C++, shared", mopt_model_shared_image(), shared_image_run);
  return ok ? 0 : 1;
}

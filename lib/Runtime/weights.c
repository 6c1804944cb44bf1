/* weights.c: where the weights of a model are: in the library, or in a file
 * that is mapped, so that models and processes share its pages. */
#include "Model.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path of the weight file beside the library that holds the descriptor. A
 * program that is linked statically is its own library. */
static void path_beside_library(const MoptModelDesc *desc, char *path,
                                size_t room) {
  Dl_info library;
  int length = 0;
  if (dladdr(desc, &library) && library.dli_fname) {
    const char *slash = strrchr(library.dli_fname, '/');
    if (slash)
      length = (int)(slash + 1 - library.dli_fname);
  }
  snprintf(path, room, "%.*s%s", length, length ? library.dli_fname : "",
           desc->weights_file);
}

static MoptStatus check_header(const MoptModelDesc *desc, const void *mapping,
                               int64_t file_bytes, const char *path,
                               MoptRun *run) {
  MoptWeightsHeader header;
  memcpy(&header, mapping, sizeof(header));
  if (memcmp(header.magic, "moptwts", 8) != 0 || header.version != 1 ||
      header.header_bytes < sizeof(header) ||
      header.header_bytes % MOPT_RT_ALIGNMENT != 0)
    return mopt_rt_error(run, MOPT_IO_ERROR,
                         "weight file '%s': not a weight file of version 1",
                         path);
  if (header.id != desc->weights_id ||
      header.weights_bytes != desc->weights_bytes)
    return mopt_rt_error(run, MOPT_IO_ERROR,
                         "weight file '%s': belongs to another model than '%s'",
                         path, desc->name);
  if (file_bytes - (int64_t)header.header_bytes < desc->weights_bytes)
    return mopt_rt_error(
        run, MOPT_IO_ERROR, "weight file '%s': expected %lld bytes, found %lld",
        path, (long long)(header.header_bytes + desc->weights_bytes),
        (long long)file_bytes);
  return MOPT_OK;
}

static MoptStatus map_file(MoptModel *model, int file, const char *path,
                           MoptRun *run) {
  struct stat info;
  if (fstat(file, &info) != 0)
    return mopt_rt_error(run, MOPT_IO_ERROR, "weight file '%s': %s", path,
                         strerror(errno));
  if (!S_ISREG(info.st_mode) || info.st_size < (off_t)sizeof(MoptWeightsHeader))
    return mopt_rt_error(run, MOPT_IO_ERROR,
                         "weight file '%s': not a weight file of version 1",
                         path);
  void *mapping =
      mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (mapping == MAP_FAILED)
    return mopt_rt_error(run, MOPT_IO_ERROR, "weight file '%s': %s", path,
                         strerror(errno));
  model->mapping = mapping;
  model->mapping_bytes = (size_t)info.st_size;
  MoptStatus status =
      check_header(model->desc, mapping, info.st_size, path, run);
  if (!status)
    model->weights =
        (const char *)mapping + ((MoptWeightsHeader *)mapping)->header_bytes;
  return status;
}

MoptStatus mopt_rt_open_weights(MoptModel *model, const char *path,
                                MoptRun *run) {
  const MoptModelDesc *desc = model->desc;
  model->weights = desc->weights;
  if (desc->weights || !desc->weights_file)
    return MOPT_OK;
  char beside[PATH_MAX];
  if (!path) {
    path_beside_library(desc, beside, sizeof(beside));
    path = beside;
  }
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return mopt_rt_error(run, MOPT_IO_ERROR, "weight file '%s': %s", path,
                         strerror(errno));
  MoptStatus status = map_file(model, file, path, run);
  close(file);
  return status;
}

void mopt_rt_close_weights(MoptModel *model) {
  if (model->mapping)
    munmap(model->mapping, model->mapping_bytes);
  model->mapping = NULL;
}

/* threads.c: how many threads a pool has by default. A container's quota
 * counts: more threads than CPU time make every parallel loop wait. */
#include "Pool.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 1024

static int32_t clamp_threads(int64_t threads) {
  if (threads < 1)
    return 1;
  return threads > MAX_THREADS ? MAX_THREADS : (int32_t)threads;
}

/* CPUs in the affinity mask. The kernel refuses a mask smaller than its own,
 * so the size doubles until it fits. */
static int64_t affinity_cpus(void) {
  for (size_t cpus = CPU_SETSIZE; cpus <= (size_t)1 << 20; cpus *= 2) {
    size_t bytes = CPU_ALLOC_SIZE(cpus);
    cpu_set_t *mask = malloc(bytes);
    if (!mask)
      return 1;
    int failed = sched_getaffinity(0, bytes, mask);
    int too_small = failed && errno == EINVAL;
    int64_t count = failed ? 1 : CPU_COUNT_S(bytes, mask);
    free(mask);
    if (!too_small)
      return count;
  }
  return 1;
}

/* Reads a small file as a string; the number of characters, 0 without file. */
static size_t read_text(const char *path, char *text, size_t room) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return 0;
  ssize_t length = read(file, text, room - 1);
  close(file);
  if (length <= 0)
    return 0;
  text[length] = '\0';
  return (size_t)length;
}

static int64_t ceil_ratio(long long quota, long long period, int64_t none) {
  if (quota <= 0 || period <= 0)
    return none;
  return (quota + period - 1) / period;
}

/* The tightest quota on the way from the process's cgroup (version 2) up to
 * the root of what it can see. */
static int64_t cgroup2_cpus(int64_t none) {
  char groups[4096];
  if (!read_text("/proc/self/cgroup", groups, sizeof(groups)))
    return none;
  const char *line = strstr(groups, "0::/");
  if (!line || (line != groups && line[-1] != '\n'))
    return none;
  char group[2048];
  snprintf(group, sizeof(group), "%.*s", (int)strcspn(line + 3, "\n"),
           line + 3);
  int64_t cpus = none;
  for (;;) {
    char path[2200], text[128];
    snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
    if (read_text(path, text, sizeof(text))) {
      /* "max" in place of the quota reads as 0. */
      char *end;
      long long quota = strtoll(text, &end, 10);
      int64_t here = ceil_ratio(quota, strtoll(end, NULL, 10), none);
      cpus = here < cpus ? here : cpus;
    }
    char *slash = strrchr(group, '/');
    if (!slash)
      return cpus;
    *slash = '\0';
  }
}

/* The quota of a version 1 controller, as containers mount it. */
static int64_t cgroup1_cpus(int64_t none) {
  char quota[64], period[64];
  if (!read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof(quota)) ||
      !read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period,
                 sizeof(period)))
    return none;
  return ceil_ratio(atoll(quota), atoll(period), none);
}

int32_t mopt_rt_choose_threads(int32_t requested) {
  if (requested > 0)
    return clamp_threads(requested);
  const char *variable = getenv("MOPT_NUM_THREADS");
  if (variable) {
    char *end;
    long long threads = strtoll(variable, &end, 10);
    if (end != variable && *end == '\0' && threads > 0)
      return clamp_threads(threads);
  }
  return clamp_threads(cgroup1_cpus(cgroup2_cpus(affinity_cpus())));
}

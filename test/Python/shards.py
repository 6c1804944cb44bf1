"""Parts of a sweep over models, which ctest runs side by side."""

import os


def take(models):
    """Those that MOPT_TEST_SHARD=i/n names: each n-th from the i-th on; without it, all."""
    first, count = map(int, os.environ.get("MOPT_TEST_SHARD", "0/1").split("/"))
    return models[first::count]

"""Sweeps over models: the part that ctest runs beside others, and how models are compiled."""

import os


def take(models):
    """Those that MOPT_TEST_SHARD=i/n names: each n-th from the i-th on; without it, all."""
    first, count = map(int, os.environ.get("MOPT_TEST_SHARD", "0/1").split("/"))
    return models[first::count]


def get_numerics(model):
    """By default products by weights of 4 bits round their left sides to 16 bits. Each loses less
    than the 1e-4 of the largest that a model may, but GPT-2 has 48 of them in a row."""
    return "strict" if ".int4_" in model.name else "default"

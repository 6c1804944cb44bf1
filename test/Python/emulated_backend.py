"""mopt as a backend of node_tests.py, with libraries for AArch64 that run under qemu. The
compiler's arguments must name a target of emulated.CPUS: --arguments=--target=neoverse-n1."""

import mopt.backend

import emulated

_PREFIX = "--target="
_runners = {}


def prepare(model, device="CPU", **options):
    """Like `mopt.backend.prepare`."""
    target, = (text.removeprefix(_PREFIX) for text in options["arguments"]
               if text.startswith(_PREFIX))
    if target not in _runners:
        _runners[target] = emulated.install(target)
    return mopt.backend.prepare(model, device, **options)

"""The engines that mopt is measured against and checked by, behind one interface: a
function that loads a model, and a session with `run(None, feed)`. None is a
requirement of the package; each is imported when it is asked for."""

import os


def onnxruntime_session(model, optimized=True, threads=1):
    """An ONNX Runtime session of a path or of bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class _OpenVino:
    def __init__(self, path, threads):
        import openvino

        core = openvino.Core()
        self._compiled = core.compile_model(core.read_model(path), "CPU", {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
        self._request = self._compiled.create_infer_request()

    def run(self, output_names, feed):
        results = self._request.infer(feed, share_inputs=True)
        return [results[port] for port in self._compiled.outputs]


def load(engine, path, threads):
    """A session of "mopt", "onnxruntime" or "openvino" for a model's path; "mopt-float" is
    mopt with another model, the one of floats that a quantized one was made from."""
    if engine in ("mopt", "mopt-float"):
        from .session import InferenceSession

        return InferenceSession(path, threads=threads)
    if engine == "onnxruntime":
        return onnxruntime_session(path, threads=threads)
    if engine == "openvino":
        return _OpenVino(path, threads)
    raise ValueError(f"unknown engine '{engine}'; known: mopt, onnxruntime, openvino")


def cpu_description():
    """The CPU's name and those of its features that kernels are chosen by."""
    fields = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition(":")
                fields.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    flags = fields.get("flags", fields.get("Features", "")).split()
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile",
              "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve")
    return {"name": fields.get("model name", os.uname().machine),
            "family": fields.get("cpu family"), "model": fields.get("model"),
            "cpus": len(os.sched_getaffinity(0)),
            "features": [flag for flag in wanted if flag in flags]}

"""Models of floats whose products have weights of 4 bits: com.microsoft MatMulNBits."""

import numpy as np
import onnx
from onnx import helper, numpy_helper


def _round(weights, block):
    """`[depth, width]` as packed integers around 8 and scales of `block` neighbours along the
    depth; the largest of these in magnitude is -8."""
    depth, width = weights.shape
    padded = np.pad(weights.T, ((0, 0), (0, -depth % block))).reshape(width, -1, block)
    largest = np.take_along_axis(padded, np.abs(padded).argmax(-1)[..., None], -1)
    scales = (largest / -8).astype(np.float32)
    steps = np.divide(padded, scales, out=np.zeros_like(padded), where=scales != 0)
    q = np.clip(np.rint(steps) + 8, 0, 15).astype(np.uint8)
    return q[..., ::2] | q[..., 1::2] << 4, scales.reshape(-1)


def rewrite(source, target, block, accuracy):
    """Writes the model at path `source` to `target`: each MatMul, and each Gemm that is one with
    a bias, by a constant matrix becomes a MatMulNBits with blocks of `block` and this accuracy
    level, 0 for floats and 4 for activations of 8 bits."""
    model = onnx.load(source)
    graph = model.graph
    weights = {value.name: value for value in graph.initializer}
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        plain = all(attributes.get(name, 1) == 1 for name in ("alpha", "beta")) and \
            not attributes.get("transA") and not attributes.get("transB")
        if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in weights or not plain:
            continue
        name = node.input[1]
        matrix = numpy_helper.to_array(weights[name])
        if matrix.ndim != 2 or matrix.dtype != np.float32:
            continue
        packed, scales = _round(matrix, block)
        graph.initializer.extend([numpy_helper.from_array(packed, f"{name}.packed"),
                                  numpy_helper.from_array(scales, f"{name}.scales")])
        inputs = [node.input[0], f"{name}.packed", f"{name}.scales"]
        if node.op_type == "Gemm" and len(node.input) > 2:
            inputs += ["", "", node.input[2]]
        node.CopyFrom(helper.make_node(
            "MatMulNBits", inputs, list(node.output), name=node.name, domain="com.microsoft",
            K=matrix.shape[0], N=matrix.shape[1], bits=4, block_size=block,
            accuracy_level=accuracy))
    used = {name for node in graph.node for name in node.input}
    kept = [value for value in graph.initializer if value.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, target)

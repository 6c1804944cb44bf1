"""Composite operators are replaced by the bodies that ONNX defines."""

import onnx
import pytest
from conftest import F32, model
from onnx import defs, helper
from test_graphs import node


def test_attributes_and_defaults(imported):
    run = lambda **attributes: imported(
        model([node("Celu", ["x"], ["y"], **attributes)], opsets=[("", 28)]), "--expand"
    )
    text = run(alpha=0.5)
    assert '"Celu"' not in text and '"Elu"' in text
    assert "value_float = 5.000000e-01 : f32" in text or "alpha = 5.000000e-01 : f32" in text
    text = run()
    assert "= 1.000000e+00 : f32" in text


def test_location_is_the_nodes(imported):
    text = imported(model([node("Mish", ["x"], ["y"], name="act")], opsets=[("", 18)]), "--expand", "--locations")
    for line in text.splitlines():
        if "onnx.node" in line:
            assert "node 'act' (Mish, opset 18)" in line


def test_opset_of_the_body(imported):
    text = imported(model([node("MeanVarianceNormalization", ["x"], ["y"])], opsets=[("", 13)]), "--expand")
    assert 'onnx.node "ReduceMean" opset 18(' in text
    # Its version 9 has a body of its own.
    text = imported(model([node("MeanVarianceNormalization", ["x"], ["y"])], opsets=[("", 9)]), "--expand")
    assert 'onnx.node "ReduceMean"(' in text


def test_several_results(imported):
    nodes = [node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    text = imported(model(nodes), "--expand")
    assert '"DynamicQuantizeLinear"' not in text and '"QuantizeLinear"' in text


def test_operators_without_a_body_stay(imported):
    assert '"Relu"' in imported(model([node("Relu", ["x"], ["y"])], opsets=[("", 13)]), "--expand")


SCHEMAS = [s for s in defs.get_all_schemas_with_history() if s.has_function and s.domain == ""]


def test_every_body(imported):
    """One model for each version of each composite operator."""
    paths = []
    for schema in SCHEMAS:
        inputs = [i.name for i in schema.inputs]
        outputs = [o.name for o in schema.outputs]
        a_node = node(schema.name, inputs, [f"{o}_out" for o in outputs])
        for name, attribute in schema.attributes.items():
            if attribute.required:
                a_node.attribute.append(helper.make_attribute(name, {"axes": [0]}.get(name, 1)))
        m = model([a_node], inputs, [f"{o}_out" for o in outputs], opsets=[("", schema.since_version)])
        paths.append(imported.save(m, f"{schema.name}-{schema.since_version}.onnx"))
    for path in paths:
        result = imported.run(path, "--expand")
        assert result.returncode == 0, (path, result.stderr)
        name = path.name.split("-")[0]
        assert f'onnx.node "{name}"' not in result.stdout.decode(), path

"""A model under rewriting: who makes and who reads each value, and what is constant."""

import numpy as np
from onnx import AttributeProto, helper, numpy_helper


class Graph:
    """The main graph of a ModelProto, whose constants are initializers. Reads of nested
    graphs count as reads; nested nodes themselves are left alone."""

    def __init__(self, model):
        self.model = model
        self.proto = model.graph
        self._initializers = {tensor.name: tensor for tensor in self.proto.initializer}
        self._arrays = {}
        self._names = set(self._initializers)
        self._names.update(value.name for value in self.proto.input)
        for node in nested_nodes(self.proto):
            self._names.update(name for name in [*node.input, *node.output] if name)
        self.index()

    def index(self):
        """Looks again who makes and reads what; after a change of nodes."""
        self.producers, self.readers = {}, {}
        for node in self.proto.node:
            for name in node.output:
                if name:
                    self.producers[name] = node
            for name in set(node.input) | outer_reads(node):
                if name:
                    self.readers.setdefault(name, []).append(node)
        self.outputs = {value.name for value in self.proto.output}

    @property
    def inputs(self):
        return [value for value in self.proto.input if value.name not in self._initializers]

    def constant(self, name):
        """The array of an initializer, or None."""
        if name not in self._initializers:
            return None
        if name not in self._arrays:
            self._arrays[name] = numpy_helper.to_array(self._initializers[name])
        return self._arrays[name]

    def fresh(self, stem):
        """A name that nothing has: `stem`, or that with a number."""
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name

    def add_constant(self, array, stem):
        """A new initializer; its name."""
        return self.add_tensor(numpy_helper.from_array(np.asarray(array), self.fresh(stem)))

    def add_tensor(self, tensor):
        """An initializer with a name that is fresh."""
        self.proto.initializer.append(tensor)
        self._initializers[tensor.name] = self.proto.initializer[-1]
        return tensor.name

    def sole_reader(self, name):
        """The only node that reads `name`, which is no output of the graph; else None."""
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def replace_nodes(self, nodes):
        del self.proto.node[:]
        self.proto.node.extend(nodes)
        self.index()

    def drop_unused_constants(self):
        used = self.outputs.copy()
        for node in nested_nodes(self.proto):
            used.update(node.input)
        kept = [tensor for tensor in self.proto.initializer if tensor.name in used]
        if len(kept) < len(self.proto.initializer):
            kept = [type(tensor).FromString(tensor.SerializeToString()) for tensor in kept]
            del self.proto.initializer[:]
            self.proto.initializer.extend(kept)
        self._initializers = {tensor.name: tensor for tensor in self.proto.initializer}
        self._arrays.clear()

    def types(self):
        """Element type by name of every value that is known, 0 where unknown."""
        known = {}
        for value in [*self.proto.input, *self.proto.value_info, *self.proto.output]:
            known[value.name] = value.type.tensor_type.elem_type
        for tensor in self.proto.initializer:
            known[tensor.name] = tensor.data_type
        return known


def attributes(node):
    return {attribute.name: helper.get_attribute_value(attribute)
            for attribute in node.attribute}


def set_attributes(node, **values):
    """Replaces the attributes that are named."""
    kept = [attribute for attribute in node.attribute if attribute.name not in values]
    kept = [AttributeProto.FromString(attribute.SerializeToString()) for attribute in kept]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.extend(helper.make_attribute(name, value)
                          for name, value in values.items())


def subgraphs(node):
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def nested_nodes(graph):
    for node in graph.node:
        yield node
        for nested in subgraphs(node):
            yield from nested_nodes(nested)


def outer_reads(node):
    """What the graphs in a node read, and may be values from outside."""
    names = set()
    for nested in subgraphs(node):
        names.update(value.name for value in nested.output)
        for inner in nested_nodes(nested):
            names.update(inner.input)
    return names


def is_nested_read(node, name):
    """Whether a graph inside of `node` reads `name`, where no rewrite would reach it."""
    return name in outer_reads(node)

#!/usr/bin/env python3
"""Trains the small models whose accuracy bench/accuracy.py measures, and writes them as ONNX.

    python bench/train.py [DIR] [NAME...] [--fashion FOLDER] [--epochs N] [--samples N]

Needs numpy, onnx, scikit-learn (for its digits) and torch, in an environment of its own.
Fashion-MNIST's four .gz files are Debian's package dataset-fashion-mnist; without them the
models of its pictures are left out. DIR (default build/accuracy) gets NAME.onnx, and for
each data set an .npz with the pictures and labels of a calibration and a test part.
"""

import argparse
import gzip
import pathlib
import time

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional

FASHION = "/usr/share/datasets/fashion-mnist"
CALIBRATION = 1024


def digits():
    """8x8 pictures: every fifth is for the test."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = (data.images.astype(np.float32) / 8 - 1)[:, None]
    y = data.target.astype(np.int64)
    test = np.arange(len(x)) % 5 == 0
    return x[~test], y[~test], x[test], y[test]


def fashion(folder):
    def read(name, skip):
        with gzip.open(pathlib.Path(folder) / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=skip)

    parts = []
    for part in ("train", "t10k"):
        images = read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
        parts += [images.astype(np.float32) / 127.5 - 1,
                  read(f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int64)]
    return tuple(parts)


class Writer:
    """ONNX nodes with the weights of torch modules."""

    def __init__(self, shape):
        self.nodes, self.constants, self.shape = [], [], shape

    def constant(self, value):
        if torch.is_tensor(value):
            value = value.detach().numpy()
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def node(self, op, *inputs, outputs=1, **attributes):
        names = [f"{op.lower()}{len(self.nodes)}" + (f"_{i}" if i else "")
                 for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, layer, x):
        """Of any rank: a product and a sum."""
        y = self.node("MatMul", x, self.constant(layer.weight.T))
        return self.node("Add", y, self.constant(layer.bias))

    def conv(self, layer, x):
        bias = [] if layer.bias is None else [self.constant(layer.bias)]
        return self.node("Conv", x, self.constant(layer.weight), *bias, group=layer.groups,
                         strides=list(layer.stride), pads=list(layer.padding) * 2)

    def norm(self, layer, x):
        return self.node("BatchNormalization", x, *(self.constant(value) for value in (
            layer.weight, layer.bias, layer.running_mean, layer.running_var)),
            epsilon=layer.eps)

    def layer_norm(self, layer, x):
        return self.node("LayerNormalization", x, self.constant(layer.weight),
                         self.constant(layer.bias), epsilon=layer.eps)

    def reshape(self, x, *shape):
        return self.node("Reshape", x, self.constant(np.array(shape, np.int64)))

    def model(self, output):
        x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", *self.shape])
        nodes = [helper.make_node("Identity", [output], ["y"])]
        y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 10])
        graph = helper.make_graph(self.nodes + nodes, "model", [x], [y], self.constants)
        return helper.make_model(graph, ir_version=8,
                                 opset_imports=[helper.make_opsetid("", 17)])


class Perceptron(nn.Module):
    def __init__(self, size, width):
        super().__init__()
        self.size = size
        self.layers = nn.ModuleList([nn.Linear(size, width), nn.Linear(width, width),
                                     nn.Linear(width, 10)])

    def forward(self, x):
        x = x.reshape(len(x), -1)
        for layer in self.layers[:-1]:
            x = functional.relu(layer(x))
        return self.layers[-1](x)

    def write(self, w):
        x = w.reshape("x", -1, self.size)
        for layer in self.layers[:-1]:
            x = w.node("Relu", w.linear(layer, x))
        return w.linear(self.layers[-1], x)


def conv_norm(inputs, outputs, kernel=3, stride=1, groups=1):
    return nn.ModuleList([nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2,
                                    groups=groups, bias=False), nn.BatchNorm2d(outputs)])


def apply(pair, x):
    return pair[1](pair[0](x))


def write_pair(w, pair, x):
    return w.norm(pair[1], w.conv(pair[0], x))


class ResNet(nn.Module):
    """Three stages of two residual blocks each."""

    def __init__(self):
        super().__init__()
        self.stem = conv_norm(1, 16)
        self.blocks = nn.ModuleList()
        inputs = 16
        for width in (16, 32, 64):
            for index in range(2):
                stride = 2 if index == 0 and width > 16 else 1
                skip = conv_norm(inputs, width, 1, stride) if stride > 1 else nn.ModuleList()
                self.blocks.append(nn.ModuleList([conv_norm(inputs, width, 3, stride),
                                                  conv_norm(width, width), skip]))
                inputs = width
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.relu(apply(self.stem, x))
        for one, two, skip in self.blocks:
            y = apply(two, functional.relu(apply(one, x)))
            x = functional.relu(y + (apply(skip, x) if len(skip) else x))
        return self.head(x.mean((2, 3)))

    def write(self, w):
        x = w.node("Relu", write_pair(w, self.stem, "x"))
        for one, two, skip in self.blocks:
            y = write_pair(w, two, w.node("Relu", write_pair(w, one, x)))
            x = w.node("Relu", w.node("Add", y, write_pair(w, skip, x) if len(skip) else x))
        return w.linear(self.head, w.node("Flatten", w.node("GlobalAveragePool", x)))


class MobileNet(nn.Module):
    """Inverted residuals: expansion, depthwise convolution, projection."""

    def __init__(self):
        super().__init__()
        self.stem = conv_norm(1, 16, 3, 2)
        self.blocks = nn.ModuleList()
        inputs = 16
        for width, stride in ((16, 1), (24, 2), (24, 1), (32, 1), (32, 1), (48, 2), (48, 1)):
            wide = inputs * 4
            self.blocks.append(nn.ModuleList([
                conv_norm(inputs, wide, 1), conv_norm(wide, wide, 3, stride, wide),
                conv_norm(wide, width, 1)]))
            inputs = width
        self.head = nn.Linear(48, 10)

    @staticmethod
    def _is_residual(block):
        return block[1][0].stride[0] == 1 and block[0][0].in_channels == block[2][0].out_channels

    def forward(self, x):
        x = functional.relu6(apply(self.stem, x))
        for block in self.blocks:
            y = functional.relu6(apply(block[0], x))
            y = apply(block[2], functional.relu6(apply(block[1], y)))
            x = x + y if self._is_residual(block) else y
        return self.head(x.mean((2, 3)))

    def write(self, w):
        low, high = w.constant(np.float32(0)), w.constant(np.float32(6))
        x = w.node("Clip", write_pair(w, self.stem, "x"), low, high)
        for block in self.blocks:
            y = w.node("Clip", write_pair(w, block[0], x), low, high)
            y = write_pair(w, block[2], w.node("Clip", write_pair(w, block[1], y), low, high))
            x = w.node("Add", x, y) if self._is_residual(block) else y
        return w.linear(self.head, w.node("Flatten", w.node("GlobalAveragePool", x)))


class Transformer(nn.Module):
    """Two layers over patches of 4x4, four heads, mean of all positions."""

    WIDTH, HEADS, PATCHES = 64, 4, 49

    def __init__(self):
        super().__init__()
        width = self.WIDTH
        self.patch = nn.Conv2d(1, width, 4, 4)
        self.position = nn.Parameter(torch.randn(1, self.PATCHES, width) * 0.02)
        self.blocks = nn.ModuleList(nn.ModuleList([
            nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width),
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)])
            for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2) + self.position
        size = self.WIDTH // self.HEADS
        for norm, qkv, project, second, up, down in self.blocks:
            parts = qkv(norm(x)).reshape(len(x), self.PATCHES, 3, self.HEADS, size)
            q, k, v = parts.permute(2, 0, 3, 1, 4)
            weights = torch.softmax(q @ k.transpose(2, 3) / size**0.5, -1)
            x = x + project((weights @ v).transpose(1, 2).reshape(x.shape))
            x = x + down(functional.relu(up(second(x))))
        return self.head(self.norm(x).mean(1))

    def write(self, w):
        size = self.WIDTH // self.HEADS
        x = w.reshape(w.conv(self.patch, "x"), -1, self.WIDTH, self.PATCHES)
        x = w.node("Add", w.node("Transpose", x, perm=[0, 2, 1]), w.constant(self.position))
        for norm, qkv, project, second, up, down in self.blocks:
            parts = w.linear(qkv, w.layer_norm(norm, x))
            parts = w.reshape(parts, -1, self.PATCHES, 3, self.HEADS, size)
            parts = w.node("Transpose", parts, perm=[2, 0, 3, 1, 4])
            q, k, v = (w.node("Gather", parts, w.constant(np.int64(i)), axis=0)
                       for i in range(3))
            scores = w.node("MatMul", q, w.node("Transpose", k, perm=[0, 1, 3, 2]))
            scores = w.node("Mul", scores, w.constant(np.float32(size**-0.5)))
            y = w.node("MatMul", w.node("Softmax", scores, axis=-1), v)
            y = w.reshape(w.node("Transpose", y, perm=[0, 2, 1, 3]), -1, self.PATCHES, self.WIDTH)
            x = w.node("Add", x, w.linear(project, y))
            y = w.node("Relu", w.linear(up, w.layer_norm(second, x)))
            x = w.node("Add", x, w.linear(down, y))
        y = w.node("ReduceMean", w.layer_norm(self.norm, x), axes=[1], keepdims=0)
        return w.linear(self.head, y)


class Recurrent(nn.Module):
    """A picture's rows, from top to bottom."""

    def __init__(self, rows=28, width=96):
        super().__init__()
        self.rows, self.width = rows, width
        self.lstm = nn.LSTM(rows, width, batch_first=True)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.lstm(x[:, 0])[0][:, -1])

    def write(self, w):
        def gates(value):
            # torch has i, f, g, o; ONNX i, o, f, c.
            i, f, g, o = value.detach().chunk(4)
            return torch.cat([i, o, f, g])

        x = w.node("Transpose", w.reshape("x", -1, self.rows, self.rows), perm=[1, 0, 2])
        bias = torch.cat([gates(self.lstm.bias_ih_l0), gates(self.lstm.bias_hh_l0)])
        outputs = w.node("LSTM", x, w.constant(gates(self.lstm.weight_ih_l0)[None]),
                         w.constant(gates(self.lstm.weight_hh_l0)[None]),
                         w.constant(bias[None]), outputs=2, hidden_size=self.width)
        return w.linear(self.head, w.node("Squeeze", outputs[1],
                                          w.constant(np.array([0], np.int64))))


# Data set, shape of a picture, model, epochs.
MODELS = {
    "mlp_digits": ("digits", (1, 8, 8), lambda: Perceptron(64, 96), 40),
    "mlp": ("fashion", (1, 28, 28), lambda: Perceptron(784, 256), 6),
    "resnet": ("fashion", (1, 28, 28), ResNet, 2),
    "mobilenet": ("fashion", (1, 28, 28), MobileNet, 3),
    "transformer": ("fashion", (1, 28, 28), Transformer, 4),
    "lstm": ("fashion", (1, 28, 28), Recurrent, 4),
}


def train(model, x, y, epochs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    batch = 128
    steps = epochs * (len(x) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for part in order[:len(x) // batch * batch].split(batch):
            loss = functional.cross_entropy(model(x[part]), y[part])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model.eval()


def accuracy(model, x, y):
    with torch.no_grad():
        found = torch.cat([model(part) for part in torch.from_numpy(x).split(500)])
    return float((found.argmax(1).numpy() == y).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="build/accuracy")
    parser.add_argument("names", nargs="*", help=", ".join(MODELS))
    parser.add_argument("--fashion", default=FASHION)
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--samples", type=int, help="train with the first N; default: all")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = options.names or MODELS
    asked, sets = {MODELS[name][0] for name in names}, {}
    if "digits" in asked:
        sets["digits"] = digits()
    if "fashion" in asked and pathlib.Path(options.fashion).is_dir():
        sets["fashion"] = fashion(options.fashion)
    for name, (x, y, test_x, test_y) in sets.items():
        np.savez(folder / f"{name}.npz", calibration=x[:CALIBRATION],
                 calibration_labels=y[:CALIBRATION], test=test_x, labels=test_y)
    for name in names:
        data, shape, make, epochs = MODELS[name]
        if data not in sets:
            print(f"{name}: left out, no '{options.fashion}'")
            continue
        torch.manual_seed(0)
        x, y, test_x, test_y = sets[data]
        start = time.time()
        model = train(make(), x[:options.samples], y[:options.samples],
                      options.epochs or epochs)
        writer = Writer(shape)
        proto = writer.model(model.write(writer))
        onnx.helper.set_model_props(proto, {"data": data})
        onnx.save(proto, folder / f"{name}.onnx")
        print(f"{name}: accuracy {accuracy(model, test_x, test_y):.4f}, "
              f"{time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()

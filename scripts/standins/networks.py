# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for trained networks: the tensor signatures of published models with seeded random weights, as ONNX.

They find nothing. They make a whole pipeline run, and let the same graph be timed and compared in several programs.
Needs onnx and numpy only: `python scripts/standins/networks.py OUT` writes those that tests and benchmarks use.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    def __init__(self, name, seed):
        self.name, self.random = name, np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], [], 0

    def new(self):
        self.count += 1
        return f"t{self.count}"

    def constant(self, values, kind=np.float32):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, kind), name))
        return name

    def node(self, operator, inputs, **attributes):
        output = self.new()
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(self, x, inner, outer, kernel=3, stride=1, gain=1.4):
        scale = gain / np.sqrt(inner * kernel**3)
        weight = self.random.normal(0, scale, (outer, inner, kernel, kernel, kernel))
        bias = self.random.normal(0, 0.05, outer)
        return self.node("Conv", [x, self.constant(weight), self.constant(bias)], kernel_shape=[kernel] * 3,
                         pads=[kernel // 2] * 6, strides=[stride] * 3)

    def rise(self, x, inner, outer):
        weight = self.random.normal(0, 1.4 / np.sqrt(inner), (inner, outer, 2, 2, 2))
        return self.node("ConvTranspose", [x, self.constant(weight)], kernel_shape=[2] * 3, strides=[2] * 3)

    def normalised(self, x, channels):
        # Instance normalisation sees the whole window, as nnU-Net's networks do.
        x = self.node("InstanceNormalization",
                      [x, self.constant(1 + self.random.normal(0, 0.1, channels)),
                       self.constant(self.random.normal(0, 0.1, channels))], epsilon=1e-5)
        return self.node("LeakyRelu", [x], alpha=0.01)

    def save(self, path, inputs, outputs):
        graph = helper.make_graph(
            self.nodes, self.name,
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="standins")
        onnx.checker.check_model(model)
        pathlib.Path(path).write_bytes(model.SerializeToString(deterministic=True))


def unet(path, seed, channels=1, classes=2, widths=(16, 32, 64), size=("D", "H", "W"), batch=1):
    """A 3-D U-Net: two convolutions a level, skips, transposed convolutions; sizes in multiples of 2^(levels − 1)."""
    graph = Graph("unet", seed)
    x, skips, inner = "image", [], channels
    for level, width in enumerate(widths):
        x = graph.normalised(graph.convolution(x, inner, width, stride=1 if level == 0 else 2), width)
        x = graph.normalised(graph.convolution(x, width, width), width)
        skips.append(x)
        inner = width
    for width, skip in zip(reversed(widths[:-1]), reversed(skips[:-1])):
        x = graph.node("Concat", [graph.rise(x, inner, width), skip], axis=1)
        x = graph.normalised(graph.convolution(x, 2 * width, width), width)
        inner = width
    graph.nodes.append(helper.make_node("Identity", [graph.convolution(x, inner, classes, kernel=1, gain=4)], ["logits"]))
    graph.save(path, [("image", [batch, channels, *size])], [("logits", [batch, classes, *size])])


def attention(path, seed, classes=14, width=24, patch=4, size=32):
    """Shaped as SwinUNETR: patches become tokens, attention over them, and the voxels come back through a convolution."""
    graph, tokens = Graph("attention", seed), (size // patch) ** 3
    x = graph.node("Conv", ["image", graph.constant(graph.random.normal(0, 0.1, (width, 1, patch, patch, patch)))],
                   kernel_shape=[patch] * 3, strides=[patch] * 3)
    x = graph.node("Reshape", [x, graph.constant([1, width, tokens], np.int64)])
    x = graph.node("Transpose", [x], perm=[0, 2, 1])
    for _ in range(2):
        scale, shift = graph.constant(np.ones(width)), graph.constant(np.zeros(width))
        normal = graph.node("LayerNormalization", [x, scale, shift], axis=-1)
        q, k, v = (graph.node("MatMul", [normal, graph.constant(graph.random.normal(0, 0.3, (width, width)))])
                   for _ in range(3))
        scores = graph.node("MatMul", [q, graph.node("Transpose", [k], perm=[0, 2, 1])])
        scores = graph.node("Mul", [scores, graph.constant(1 / np.sqrt(width))])
        mixed = graph.node("MatMul", [graph.node("Softmax", [scores], axis=-1), v])
        x = graph.node("Add", [x, mixed])
    x = graph.node("Transpose", [x], perm=[0, 2, 1])
    x = graph.node("Reshape", [x, graph.constant([1, width] + [size // patch] * 3, np.int64)])
    inner = width
    for outer in (16, 12):
        x = graph.normalised(graph.rise(x, inner, outer), outer)
        inner = outer
    x = graph.node("Concat", [x, graph.convolution("image", 1, 8)], axis=1)
    graph.nodes.append(helper.make_node("Identity", [graph.convolution(x, inner + 8, classes, kernel=1, gain=4)], ["logits"]))
    graph.save(path, [("image", [1, 1, size, size, size])], [("logits", [1, classes, size, size, size])])


def unknown(path):
    """An operator that no engine has."""
    graph = helper.make_graph(
        [helper.make_node("Frobnicate", ["image"], ["logits"], domain="com.example")], "unknown",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "D", "H", "W"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1, "D", "H", "W"])])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)], ir_version=8,
        producer_name="standins")
    pathlib.Path(path).write_bytes(model.SerializeToString(deterministic=True))


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    unet(out / "unet-96.onnx", 1, size=(96, 96, 96))
    unet(out / "wholebody.onnx", 2, classes=105, widths=(8, 16, 32), size=(96, 96, 96))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))

# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""A package's network.onnx in NVIDIA Triton, as PyTriton ships it: triton_server.py NETWORK HTTP_PORT GRPC_PORT METRICS_PORT.

"unet" is batched by Triton, whose shapes then begin with -1; "unet-static" is not, and takes [1, 1, D, H, W]; "unet-bare"
has no batch dimension at all; "unet-half" gives FP16.
"""
import sys

import numpy
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

network, http_port, grpc_port, metrics_port = sys.argv[1], *map(int, sys.argv[2:5])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(network, options)


def run(image):
    return session.run(["logits"], {"image": numpy.ascontiguousarray(image)})[0]


@batch
def batched(image):
    return {"logits": run(image)}


def static(requests):
    return [{"logits": run(request["image"])} for request in requests]


def bare(requests):
    return [{"logits": run(request["image"][None])[0]} for request in requests]


def half(requests):
    return [{"logits": run(request["image"].astype(numpy.float32)).astype(numpy.float16)} for request in requests]


def tensors(*shape, dtype=numpy.float32):
    image = Tensor(name="image", dtype=dtype, shape=(*shape, 1, -1, -1, -1))
    return {"inputs": [image], "outputs": [Tensor(name="logits", dtype=dtype, shape=(*shape, 2, -1, -1, -1))]}


configuration = TritonConfig(
    http_address="127.0.0.1", http_port=http_port, grpc_address="127.0.0.1", grpc_port=grpc_port, metrics_port=metrics_port,
    allow_metrics=False, log_verbose=0)
with Triton(config=configuration) as triton:
    triton.bind("unet", batched, config=ModelConfig(
        max_batch_size=4, batcher=DynamicBatcher(max_queue_delay_microseconds=2000)), strict=False, **tensors())
    unbatched = ModelConfig(batching=False)
    triton.bind("unet-static", static, config=unbatched, **tensors(1))
    triton.bind("unet-bare", bare, config=unbatched, **tensors())
    triton.bind("unet-half", half, config=unbatched, **tensors(1, dtype=numpy.float16))
    triton.serve()

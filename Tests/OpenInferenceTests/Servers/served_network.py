# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""A package's network.onnx in MLServer, by ONNX Runtime."""
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse, MetadataTensor


class ServedNetwork(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)

        def tensors(ports):
            return [
                MetadataTensor(
                    name=port.name, datatype="FP32", shape=[n if isinstance(n, int) else -1 for n in port.shape])
                for port in ports
            ]

        self.inputs = tensors(self.session.get_inputs())
        self.outputs = tensors(self.session.get_outputs())
        return True

    async def predict(self, payload):
        given = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        names = [port.name for port in self.session.get_outputs()]
        made = self.session.run(names, given)
        return InferenceResponse(
            model_name=self.name, id=payload.id,
            outputs=[NumpyCodec.encode_output(name, array) for name, array in zip(names, made)])

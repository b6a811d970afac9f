"""A shipped reader → the network it was exported from, so that training can go on from what is shipped.

The inverse of `qa.training.export`: integers times their steps, with the smoothing taken out again. Exporting what
comes back gives the same integers. The folder holds no configuration; the graph itself tells everything.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from transformers import AutoModel, BertConfig, MPNetConfig

from qa.training.errors import TrainingError
from qa.training.model import FakeQuant, ReaderModel


class Stored:
    """The graph of a shipped reader, asked by the names of the modules it was traced from."""

    def __init__(self, file: Path) -> None:
        graph = onnx.load(str(file)).graph
        self.inputs = {node.name for node in graph.input}
        self.tensors = {t.name: t for t in graph.initializer}
        for node in graph.node:
            if node.op_type == "Identity" and node.input[0] in self.tensors:  # equal tensors are stored once
                self.tensors[node.output[0]] = self.tensors[node.input[0]]
        self.nodes = {node.name: node for node in graph.node}
        self.made_by = {name: node for node in graph.node for name in node.output}

    def array(self, name: str) -> NDArray[Any]:
        return numpy_helper.to_array(self.tensors[name])

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self.array(name).astype(np.float32))

    def used(self, place: str, kind: str) -> list[str]:
        """What the node that `place` became takes that is stored."""
        return [name for name in self.nodes[f"{path(place)}/{kind}"].input if name in self.tensors]

    def constant(self, name: str) -> int:
        (value,) = self.made_by[name].attribute
        return int(numpy_helper.to_array(value.t).item())

    def config(self) -> BertConfig | MPNetConfig:
        """The encoder's shape; dropout and the like are the library's defaults, as they were before the export."""
        words = self.tensors["words_bits"].dims
        places = self.tensors[self.used("encoder.embeddings.position_embeddings", "Gather")[0]].dims
        layers = 0
        while f"/model/encoder/encoder/layer.{layers}/intermediate/dense/Add" in self.nodes:
            layers += 1
        norm = self.nodes["/model/encoder/embeddings/LayerNorm/LayerNormalization"]
        (epsilon,) = (a.f for a in norm.attribute if a.name == "epsilon")
        shape: dict[str, Any] = {
            "vocab_size": words[0],
            "hidden_size": words[1],
            "num_hidden_layers": layers,
            "intermediate_size": len(self.array(self.used("encoder.encoder.layer.0.intermediate.dense", "Add")[0])),
            "max_position_embeddings": places[0],
            "layer_norm_eps": float(f"{epsilon:.5g}"),
        }
        if "token_type_ids" in self.inputs:
            split = self.nodes["/model/encoder/encoder/layer.0/attention/self/Concat"].input[-1]
            heads = words[1] // self.constant(split)
            return BertConfig(**shape, num_attention_heads=heads)
        buckets, heads = self.array(self.used("encoder.encoder.relative_attention_bias", "Gather")[0]).shape
        return MPNetConfig(**shape, num_attention_heads=heads, relative_attention_num_buckets=buckets)


def is_shipped(folder: Path) -> bool:
    return (folder / "model.onnx").exists() and (folder / "reader.json").exists()


@torch.no_grad()
def restore(folder: Path) -> ReaderModel:
    """The network of a reader that `qa.training.export` wrote, with its smoothing, in single precision.

    Raises: `TrainingError` where `model.onnx` is damaged or was not made by this recipe.
    """
    try:
        stored = Stored(folder / "model.onnx")
        model = ReaderModel(AutoModel.from_config(stored.config(), add_pooling_layer=False))  # type: ignore[no-untyped-call]
        for place, module in model.named_modules():
            fill(module, place, stored)
    except Exception as error:
        raise TrainingError(
            f"{str(folder)!r} holds no reader that training can go on from ({type(error).__name__}: {error}): "
            "name a reader made by `spanwise train-reader`, or an encoder's folder"
        ) from error
    return model


def fill(module: nn.Module, place: str, stored: Stored) -> None:
    if isinstance(module, FakeQuant):
        product = stored.nodes[f"MatMulInteger_{name_of(place)}_sum"]
        scaled = stored.made_by[product.input[0]].input[0]
        smooth = 1 / stored.tensor(stored.made_by[scaled].input[1])
        steps = stored.tensor(f"{name_of(place)}_step")
        module.smooth.copy_(smooth)
        module.weight.copy_(stored.tensor(product.input[1]).T * steps[:, None] / smooth)
        module.bias.copy_(stored.tensor(stored.used(place, "Add")[0]))
    elif isinstance(module, nn.Linear):
        module.weight.copy_(stored.tensor(stored.used(place, "MatMul")[0]).T)
        module.bias.copy_(stored.tensor(stored.used(place, "Add")[0]))
    elif isinstance(module, nn.LayerNorm):
        weight, bias = stored.nodes[f"{path(place)}/LayerNormalization"].input[1:]
        module.weight.copy_(stored.tensor(weight))
        module.bias.copy_(stored.tensor(bias))
    elif isinstance(module, nn.Embedding) and place.endswith("word_embeddings"):
        module.weight.copy_(stored.tensor("words_bits") * stored.tensor("words_step"))
    elif isinstance(module, nn.Embedding):
        module.weight.copy_(stored.tensor(stored.used(place, "Gather")[0]))


def path(place: str) -> str:
    """How the exporter writes the place of a module."""
    return "/model/" + re.sub(r"\.(?!\d)", "/", place)


def name_of(place: str) -> str:
    """What `qa.training.export` calls the layer at `place`."""
    return path(place).strip("/").replace("/", "_") + "_MatMul_output_0"

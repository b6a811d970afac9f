"""A trained reader → the folder that is shipped: 8-bit ONNX, tokenizer, checksums.

Every linear layer of the encoder becomes DynamicQuantizeLinear → MatMulInteger, exactly what training computed (see
`qa.training.model`); word embeddings become 8-bit rows with a scale each; everything else stays in single precision.
Weights use 7 bits, so that integer sums are the same on every processor. Files stay under 95 MB.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from qa.training.model import LEVELS, FakeQuant, ReaderModel, weight_step

EXTERNAL_FROM = 40_000_000  # a model larger than this keeps its weights in files beside it
LARGEST_FILE = 90_000_000  # what a repository takes in one file, with room to spare


class ForExport(nn.Module):
    def __init__(self, model: ReaderModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits = self.model(*inputs)
        return logits[..., 0], logits[..., 1], logits[..., 2:]


def export_float(model: ReaderModel, file: Path) -> None:
    """The model in single precision, with batch and length left open."""
    model.eval().quantise(False)
    model.config._attn_implementation = "eager"
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if model.typed else [])]
    sample = torch.randint(model.config.vocab_size // 2, model.config.vocab_size, (2, 24))
    inputs = {
        "input_ids": sample,
        "attention_mask": torch.ones_like(sample),
        "token_type_ids": torch.zeros_like(sample),
    }
    outputs = ["start_logits", "end_logits", "tag_logits"]
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, *outputs]}
    torch.onnx.export(
        ForExport(model),
        tuple(inputs[n] for n in names),
        str(file),
        input_names=names,
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


class Rewriter:
    """Replaces the float parts of a graph by their 8-bit forms."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.stored = {t.name: t for t in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        self.quantised_inputs: dict[tuple[str, bytes], tuple[str, str, str]] = {}

    def keep(self, name: str, array: NDArray[Any]) -> str:
        self.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def add(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=f"{kind}_{outputs[0]}", **attributes))
        return outputs[0]

    def quantised_input(self, x: str, smooth: NDArray[np.float32]) -> tuple[str, str, str]:
        """`x` scaled and in 8 bits, its scale and zero point; made once for the layers that share it."""
        key = (x, smooth.tobytes())
        if key not in self.quantised_inputs:
            n = f"q{len(self.quantised_inputs)}"
            scaled = self.add("Mul", [x, self.keep(f"{n}_smooth", 1 / smooth)], [f"{n}_scaled"])
            outputs = [f"{n}_bits", f"{n}_scale", f"{n}_zero"]
            self.add("DynamicQuantizeLinear", [scaled], outputs)
            self.quantised_inputs[key] = (outputs[0], outputs[1], outputs[2])
        return self.quantised_inputs[key]

    @torch.no_grad()
    def linear(self, node: onnx.NodeProto, layer: FakeQuant) -> None:
        smooth = layer.smooth.float()
        weight = layer.weight.float() * smooth
        step = weight_step(weight)
        bits = (weight / step).round().clamp(-LEVELS, LEVELS).to(torch.int8)
        x, scale, zero = self.quantised_input(node.input[0], smooth.numpy())
        out = node.output[0]
        name = out.strip("/").replace("/", "_")
        table = self.keep(f"{name}_bits", np.ascontiguousarray(bits.T.numpy()))
        nothing = self.keep(f"{name}_zero", np.zeros(1, np.int8).reshape(()))
        summed = self.add("MatMulInteger", [x, table, zero, nothing], [f"{name}_sum"])
        exact = self.add("Cast", [summed], [f"{name}_float"], to=TensorProto.FLOAT)
        steps = self.add("Mul", [scale, self.keep(f"{name}_step", step[:, 0].numpy())], [f"{name}_scale"])
        self.add("Mul", [exact, steps], [out])

    def embedding(self, node: onnx.NodeProto, table: NDArray[np.float32]) -> None:
        step = np.maximum(np.abs(table).max(1, keepdims=True) / 127, 1e-9).astype(np.float32)
        bits = np.rint(table / step).astype(np.int8)
        ids, out = node.input[1], node.output[0]
        rows = self.add("Gather", [self.keep("words_bits", bits), ids], ["words_rows"])
        exact = self.add("Cast", [rows], ["words_float"], to=TensorProto.FLOAT)
        steps = self.add("Gather", [self.keep("words_step", step), ids], ["words_scale"])
        self.add("Mul", [exact, steps], [out])

    def rewrite(self, model: ReaderModel) -> None:
        layers = {n: m for n, m in model.named_modules() if isinstance(m, FakeQuant)}
        replaced = 0
        for node in self.graph.node:
            place = ".".join(node.name.strip("/").split("/")[:-1]).removeprefix("model.")
            if node.op_type == "MatMul" and place in layers:
                self.linear(node, layers[place])
                replaced += 1
            elif node.op_type == "Gather" and node.input[0].endswith("word_embeddings.weight"):
                self.embedding(node, numpy_helper.to_array(self.stored[node.input[0]]))
            else:
                self.nodes.append(node)
        if replaced != len(layers):
            raise RuntimeError(f"{replaced} of {len(layers)} linear layers found in the exported graph")
        used = {name for node in self.nodes for name in node.input}
        tensors = [t for t in self.graph.initializer if t.name in used]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(self.nodes)
        self.graph.initializer.extend(tensors)


def put_beside(graph: onnx.GraphProto, folder: Path) -> None:
    """Move large tensors into `embeddings.bin` and `weights.bin`, which ONNX calls external data; a file that would get
    too large to be committed goes on in `weights-2.bin`."""
    files: dict[str, bytearray] = {}
    weights = 1
    for tensor in graph.initializer:
        raw = numpy_helper.to_array(tensor).tobytes()
        if len(raw) < 100_000:
            continue
        if tensor.name == "words_bits":
            location = "embeddings.bin"
        else:
            location = f"weights-{weights}.bin" if weights > 1 else "weights.bin"
            if files.get(location) and len(files[location]) + len(raw) > LARGEST_FILE:
                weights += 1
                location = f"weights-{weights}.bin"
        held = files.setdefault(location, bytearray())
        held.extend(b"\0" * (-len(held) % 64))
        onnx.external_data_helper.set_external_data(tensor, location, offset=len(held), length=len(raw))
        tensor.ClearField("raw_data")
        held.extend(raw)
    for location, held in files.items():
        (folder / location).write_bytes(held)


def export(model: ReaderModel, *, tokenizer: Path, name: str, out: Path, max_tokens: int, doc_stride: int) -> None:
    """Write the reader into `out`, whole or not at all: `reader.json`, which lists every other file, comes last."""
    part = out / "export.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    file = part / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        export_float(model, file)
    graph = onnx.load(str(file))
    Rewriter(graph.graph).rewrite(model)
    if graph.ByteSize() > EXTERNAL_FROM:
        put_beside(graph.graph, part)
    onnx.save(graph, str(file))
    shutil.copy(tokenizer, part / "tokenizer.json")
    made = sorted(part.iterdir())
    checksums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}
    described = {"name": name, "max_tokens": max_tokens, "doc_stride": doc_stride, "checksums": checksums}
    (out / "reader.json").unlink(missing_ok=True)
    for path in made:
        path.replace(out / path.name)
    (part / "reader.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    (part / "reader.json").replace(out / "reader.json")
    part.rmdir()

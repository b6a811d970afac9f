"""A shipped reader comes back as the network it was exported from, to the integer."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from qa.reading.builtin import MODELS
from qa.training import export as exporting
from qa.training.errors import TrainingError
from qa.training.model import ReaderModel, weight_step
from qa.training.restore import is_shipped, restore


def stored(file: Path) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(str(file)).graph.initializer}


def again(model: ReaderModel, file: Path) -> dict[str, np.ndarray]:
    """`model` as `export` would write it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        exporting.export_float(model, file)
    graph = onnx.load(str(file))
    exporting.Rewriter(graph.graph).rewrite(model)
    return {t.name: numpy_helper.to_array(t) for t in graph.graph.initializer}


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> None:
    assert one.keys() == two.keys()
    integers = 0
    for name, array in one.items():
        if array.dtype == np.int8:
            assert np.array_equal(array, two[name]), name
            integers += array.size > 1
        else:
            assert np.allclose(array, two[name], rtol=1e-6, atol=0), name
    assert integers > 12


@pytest.mark.slow
def test_the_shipped_small_reader_is_exported_as_it_is_shipped(tmp_path):
    model = restore(MODELS / "small").eval()
    assert (model.config.num_hidden_layers, model.config.num_attention_heads) == (6, 12)
    same(stored(MODELS / "small" / "model.onnx"), again(model, tmp_path / "again.onnx"))


def tiny(kind: str) -> ReaderModel:
    """A reader with weights and scaling of no particular order, and equal tensors that an export stores once."""
    torch.manual_seed(3)
    shape: dict[str, Any] = {
        "hidden_size": 36,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "intermediate_size": 52,
        "max_position_embeddings": 70,
        "layer_norm_eps": 1e-7,
    }
    encoder: Any = (
        BertModel(BertConfig(vocab_size=30_522, **shape), add_pooling_layer=False)
        if kind == "bert"
        else MPNetModel(MPNetConfig(vocab_size=30_527, **shape), add_pooling_layer=False)
    )
    model = ReaderModel(encoder)
    for layer in model.quantised:
        layer.smooth.uniform_(0.2, 3)
    first = {id(layer): layer for layer in model.quantised}
    assert len(first) == len(model.quantised) == 18
    for block in encoder.encoder.layer:  # what reads the same input is scaled alike
        query, key, value = [m for m in block.attention.modules() if type(m).__name__ == "FakeQuant"][:3]
        key.smooth.copy_(query.smooth)
        value.smooth.copy_(query.smooth)
    return model.eval()


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_shape_weights_and_scaling_come_back(kind, tmp_path):
    original = tiny(kind)
    tokenizer = MODELS / ("small" if kind == "bert" else "careful")
    (tmp_path / "reader").mkdir()
    before = again(original, tmp_path / "reader" / "model.onnx")
    graph = onnx.load(str(tmp_path / "reader" / "model.onnx"))
    exporting.Rewriter(graph.graph).rewrite(original)
    onnx.save(graph, str(tmp_path / "reader" / "model.onnx"))
    shutil.copy(tokenizer / "reader.json", tmp_path / "reader" / "reader.json")
    assert is_shipped(tmp_path / "reader")
    model = restore(tmp_path / "reader").eval()
    for name in ("num_hidden_layers", "num_attention_heads", "intermediate_size", "layer_norm_eps", "model_type"):
        assert getattr(model.config, name) == getattr(original.config, name)
    same(before, again(model, tmp_path / "again.onnx"))
    assert torch.equal(model.heads.weight, original.heads.weight)
    for one, two in zip(model.quantised, original.quantised, strict=True):
        assert torch.allclose(one.smooth, two.smooth, rtol=1e-5)
        rounding = weight_step(two.weight.detach() * two.smooth) / two.smooth / 2
        assert ((one.weight - two.weight).abs() <= rounding * 1.001).all()
        assert torch.equal(one.bias, two.bias)


def test_a_folder_of_another_kind_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(TrainingError, match="holds no reader that training can go on from"):
        restore(tmp_path)

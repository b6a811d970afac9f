"""The recipe's networks: the bases they come from, layers in 8 bits, the exported reader."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from training_sets import LIST, PARAGRAPHS, TOKENIZERS, arrays_of, batches, encoder, exported

from index.types import Passage
from qa.reading.builtin import MODELS, OnnxReader
from qa.training import export as exporting
from qa.training.base import load, open_network, open_pieces
from qa.training.errors import TrainingError
from qa.training.layout import inputs
from qa.training.model import LEVELS, FakeQuant, ReaderModel, round_activations, round_weights, weight_step
from qa.training.pieces import Pieces
from qa.training.prepare import Arrays


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Arrays, Pieces]:
    return arrays_of(tmp_path_factory.mktemp("data"))


# Bases


def test_every_kind_of_base_is_opened(tmp_path):
    base = encoder(tmp_path / "encoder", "bert")
    model = open_network(base)
    exported(model.eval(), tmp_path / "shipped", "bert")
    model.config.save_pretrained(tmp_path / "run" / "training")
    torch.save(model.state_dict(), tmp_path / "run" / "training" / "weights.pt")
    assert torch.equal(open_network(tmp_path / "run").heads.weight, model.heads.weight)
    assert torch.equal(open_network(tmp_path / "shipped").heads.weight, model.heads.weight)
    assert open_pieces(tmp_path / "shipped", model)[0].special == 3


def test_a_question_answering_checkpoint_keeps_its_head(tmp_path):
    import tiny_readers

    folder = tiny_readers.save_transformers(tmp_path / "qa")
    original = tiny_readers.transformers_model()
    model = open_network(folder)
    assert torch.allclose(model.heads.weight[:2], original.qa_outputs.weight)
    assert torch.allclose(model.heads.bias[:2], original.qa_outputs.bias)


def test_a_folder_without_an_encoder_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(TrainingError, match="is no folder"):
        open_network(tmp_path / "none")
    with pytest.raises(TrainingError, match="holds no encoder"):
        open_network(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(TrainingError, match="cannot be used"):
        open_network(tmp_path)


def test_another_encoders_tokenizer_is_refused(tmp_path):
    base = encoder(tmp_path, "bert")
    model = open_network(base)
    with pytest.raises(TrainingError, match="another encoder's tokenizer"):
        open_pieces(base, model, TOKENIZERS["mpnet"])
    (base / "tokenizer.json").unlink()
    with pytest.raises(TrainingError, match="--tokenizer"):
        open_pieces(base, model)
    assert open_pieces(base, model, TOKENIZERS["bert"])[0].padding == 0


# 8-bit layers


def test_activations_round_as_the_runtime_rounds_them():
    torch.manual_seed(0)
    x = torch.randn(1, 7, 16) * 3 + 1
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("DynamicQuantizeLinear", ["x"], ["bits", "scale", "zero"])],
        "one",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 7, 16])],
        [
            onnx.helper.make_tensor_value_info("bits", onnx.TensorProto.UINT8, [1, 7, 16]),
            onnx.helper.make_tensor_value_info("scale", onnx.TensorProto.FLOAT, []),
            onnx.helper.make_tensor_value_info("zero", onnx.TensorProto.UINT8, []),
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    bits, scale, zero = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x.numpy()})
    expected = (bits.astype(np.float32) - zero) * scale
    assert np.allclose(round_activations(x, None).numpy(), expected, atol=1e-6)


def test_padding_does_not_widen_the_range_of_activations():
    x = torch.tensor([[[1.0, -1.0], [0.5, 0.25]]])
    padded = torch.cat([x, torch.full((1, 1, 2), 1000.0)], 1)
    found = round_activations(padded, torch.tensor([[1, 1, 0]]))
    assert torch.equal(found[:, :2], round_activations(x, None))


def test_weights_have_seven_bits():
    weight = torch.randn(8, 16)
    steps = round_weights(weight) / weight_step(weight)
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    assert steps.abs().max() <= LEVELS
    assert (round_weights(weight) - weight).abs().max() <= weight_step(weight).max() / 2 + 1e-6


def spread(model: ReaderModel, data: tuple[Arrays, Pieces]) -> None:
    """What training does before it rounds."""
    model.eval()
    model.collect(True)
    with torch.no_grad():
        for batch in batches(data, 12):
            model(**inputs(batch))
    model.collect(False)
    model.set_smoothing()


def test_smoothing_changes_nothing_in_full_precision(tmp_path, data):
    model = ReaderModel.from_folder(encoder(tmp_path, "bert")).eval()
    (batch,) = batches(data, 1)
    with torch.no_grad():
        before = model(**inputs(batch))
        spread(model, data)
        assert torch.equal(model(**inputs(batch)), before)
    smooth = [layer.smooth for layer in model.quantised]
    assert all((s > 0).all() and not torch.equal(s, torch.ones_like(s)) for s in smooth)
    query, key, value = model.quantised[:3]
    assert torch.equal(query.smooth, key.smooth)  # they read the same input
    assert torch.equal(key.smooth, value.smooth)


def test_layers_that_were_taken_over_are_all_linear_ones(tmp_path):
    model = ReaderModel.from_folder(encoder(tmp_path, "bert"))
    linear = [m for m in model.encoder.modules() if isinstance(m, torch.nn.Linear)]
    assert model.quantised == linear
    assert all(isinstance(layer, FakeQuant) for layer in linear)
    assert type(model.heads) is torch.nn.Linear


# The export


@pytest.fixture(scope="module")
def readers(data: tuple[Arrays, Pieces], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each kind of encoder a folder with its network in `trained` and its export in `reader`."""
    found = {}
    for kind in TOKENIZERS:
        folder = tmp_path_factory.mktemp(kind)
        model = ReaderModel.from_folder(encoder(folder / "base", kind))
        spread(model, data)
        model.config.save_pretrained(folder / "trained")
        torch.save(model.state_dict(), folder / "trained" / "weights.pt")
        exported(model, folder / "reader", kind)
        found[kind] = folder
    return found


def torch_logits(model: ReaderModel, ids: torch.Tensor) -> np.ndarray:
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.typed:
        inputs["token_type_ids"] = (torch.arange(ids.shape[1])[None] > 9).long()
    with torch.no_grad():
        found: np.ndarray = model(**inputs).numpy()
    return found


def onnx_logits(folder: Path, ids: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    inputs = {
        "input_ids": ids.numpy(),
        "attention_mask": np.ones(ids.shape, np.int64),
        "token_type_ids": (np.arange(ids.shape[1])[None] > 9).astype(np.int64),
    }
    takes = {node.name for node in session.get_inputs()}
    start, end, tags = session.run(
        ["start_logits", "end_logits", "tag_logits"], {k: v for k, v in inputs.items() if k in takes}
    )
    return np.concatenate([start[..., None], end[..., None], tags], 2)


def with_rounded_words(model: ReaderModel) -> ReaderModel:
    """Word embeddings are rounded to 8 bits a row when exported, and not before."""
    table = model.encoder.embeddings.word_embeddings.weight  # type: ignore[union-attr]
    with torch.no_grad():
        step = (table.abs().amax(1, keepdim=True) / 127).clamp(min=1e-9)  # type: ignore[operator]
        table.copy_((table / step).round() * step)  # type: ignore[operator]
    return model


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
@pytest.mark.parametrize("length", [12, 64])
def test_the_exported_reader_computes_what_training_computed(readers, kind, length):
    small = readers[kind]
    model = with_rounded_words(load(small / "trained").eval())
    model.quantise(True)
    ids = torch.randint(200, 20_000, (1, length), generator=torch.Generator().manual_seed(length))
    assert np.allclose(onnx_logits(small / "reader", ids), torch_logits(model, ids), atol=1e-2)
    model.quantise(False)
    assert not np.allclose(onnx_logits(small / "reader", ids), torch_logits(model, ids), atol=1e-6)


def test_weights_are_stored_in_seven_bits_and_words_in_eight(readers):
    small = readers["bert"]
    graph = onnx.load(str(small / "reader" / "model.onnx")).graph
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    kinds = [node.op_type for node in graph.node]
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    assert (
        len(products) == 2 * 6
    )  # query, key, value, two of the attention's output, one more of the layer's: each layer
    for node in products:
        table = stored[node.input[1]]
        assert table.dtype == np.int8
        assert 0 < np.abs(table.astype(int)).max() <= LEVELS
    assert stored["words_bits"].dtype == np.int8
    assert stored["words_bits"].shape == (30_522, 32)
    assert kinds.count("DynamicQuantizeLinear") == 2 * 4  # query, key and value share one
    assert not any(array.dtype == np.float32 and array.size > 30_522 for array in stored.values())


def read(folder: Path) -> None:
    reader = OnnxReader(folder)
    assert reader.name == "tiny-1"
    passages = [
        Passage(id=str(n), document_id="d", text=text, start=0, end=len(text))
        for n, text in enumerate([*PARAGRAPHS, LIST * 5])
    ]
    for reading, part in zip(reader.read("What did the governor give Kim?", passages), passages, strict=True):
        assert reading.passage is part
        assert reading.spans


def test_the_exported_folder_is_a_reader(readers):
    small = readers["bert"]
    assert {p.name for p in (small / "reader").iterdir()} == {"model.onnx", "tokenizer.json", "reader.json"}
    read(small / "reader")
    read(readers["mpnet"] / "reader")


def test_a_large_model_keeps_its_weights_beside_it(readers, tmp_path, monkeypatch):
    small = readers["bert"]
    monkeypatch.setattr(exporting, "EXTERNAL_FROM", 1000)
    folder = exported(load(small / "trained").eval(), tmp_path / "reader", "bert")
    described = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
    assert set(described["checksums"]) == {"model.onnx", "tokenizer.json", "embeddings.bin", "weights.bin"}
    assert (folder / "embeddings.bin").stat().st_size >= 30_522 * 32
    assert (folder / "model.onnx").stat().st_size < (small / "reader" / "model.onnx").stat().st_size / 2
    ids = torch.randint(200, 20_000, (1, 20), generator=torch.Generator().manual_seed(1))
    assert np.array_equal(onnx_logits(folder, ids), onnx_logits(small / "reader", ids))
    read(folder)


def test_no_file_of_weights_gets_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "LARGEST_FILE", 450_000)
    tables = {f"w{n}": np.full((200, 1000), n, np.int8) for n in range(5)}
    graph = onnx.helper.make_graph([], "g", [], [], [onnx.numpy_helper.from_array(t, n) for n, t in tables.items()])
    model = onnx.helper.make_model(graph)
    exporting.put_beside(model.graph, tmp_path)
    onnx.save(model, str(tmp_path / "model.onnx"))
    assert {f.name for f in tmp_path.iterdir()} == {"model.onnx", "weights.bin", "weights-2.bin", "weights-3.bin"}
    assert max(f.stat().st_size for f in tmp_path.iterdir()) <= 450_000
    back = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(str(tmp_path / "model.onnx")).graph.initializer}
    assert all(np.array_equal(back[name], table) for name, table in tables.items())


def test_the_shipped_files_can_be_committed():
    assert max(f.stat().st_size for f in MODELS.rglob("*") if f.is_file()) < 95_000_000

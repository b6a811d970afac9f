"""The recipe of the built-in readers, end to end on a tiny encoder: prepare, train, export, read.

Uses the shipped tokenizers, since the recipe counts on their special tokens.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from index.types import Passage
from qa.reading.builtin import MODELS, OnnxReader
from qa.training import export as exporting
from qa.training import prepare
from qa.training.model import LEVELS, FakeQuant, ReaderModel, round_activations, round_weights, weight_step
from qa.training.train import Examples, aligned, calibrate, feed, load, losses, parser, save, train

PARAGRAPHS = [
    "The governor of Perm gave Kim five drones and a warm vest. The train left for the border on Sunday evening.",
    "The ferry to Hollow Island leaves at noon from the northern pier. Its captain is Clara Wendt, a ship owner.",
    "Bakers in Perm sell a dark loaf with caraway. It keeps for a week. The train to the border brings the flour.",
]
LIST = "Members may borrow books, maps, board games and a telescope. Nobody has ever asked for the globe."
BERT, MPNET = MODELS / "small", MODELS / "careful"


def squad(folder: Path) -> Path:
    def asked(identity: str, question: str, paragraph: int, *answers: str) -> dict[str, Any]:
        golds = [{"text": a, "answer_start": PARAGRAPHS[paragraph].index(a)} for a in answers]
        return {"id": identity, "question": question, "answers": golds, "is_impossible": not golds}

    paragraphs = [
        [
            asked("1", "What did the governor give Kim?", 0, "five drones", "five drones and a warm vest"),
            asked("2", "When did the train leave for the border?", 0, "Sunday evening", "on Sunday evening"),
            asked("3", "Who drove the train to the border?", 0),
        ],
        [asked("4", "Who is the captain of the ferry?", 1, "Clara Wendt")],
        [asked("5", "What do bakers in Perm sell?", 2, "a dark loaf with caraway")],
    ]
    data = [
        {
            "title": "Perm",
            "paragraphs": [{"context": PARAGRAPHS[n], "qas": qas} for n, qas in enumerate(paragraphs)],
        }
    ]
    file = folder / "squad.json"
    file.write_text(json.dumps({"data": data}), encoding="utf-8")
    return file


def lines(folder: Path) -> Path:
    items = ["books", "maps", "board games", "a telescope"]
    spans = [{"text": t, "start": LIST.index(t), "end": LIST.index(t) + len(t)} for t in items]
    rows: list[dict[str, Any]] = [
        {
            "id": "1",
            "question": "What may members borrow?",
            "context": LIST,
            "answers": [{"spans": spans}],
            "turns": [],
        },
        {
            "id": "2",
            "question": "and what else?",
            "context": LIST,
            "answers": [{"spans": spans[-1:]}],
            "turns": ["a b?", "c d?"],
        },
        {"id": "3", "question": "Who built it?", "document": "other.txt", "answers": [], "turns": []},
    ]
    (folder / "other.txt").write_text("One word\r\nand another.", encoding="utf-8", newline="")
    file = folder / "lists.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture(scope="module", autouse=True)
def _left_as_it_was() -> Iterator[None]:
    """Training sets what belongs to the process: its signal handler and torch's precision."""
    handler, precision = signal.getsignal(signal.SIGTERM), torch.get_float32_matmul_precision()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    out = folder / "examples.npz"
    sets = [f"{squad(folder)}=2", f"{lines(folder)}=8"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys,
            "argv",
            ["prepare", "--tokenizer", str(BERT), "--documents", str(folder), "--out", str(out), *sets],
        )
        prepare.main()
    return out


@pytest.fixture(scope="module")
def arrays(data: Path) -> dict[str, np.ndarray]:
    with np.load(data) as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    made = Tokenizer.from_file(str(BERT / "tokenizer.json"))
    made.no_truncation()
    made.no_padding()
    return made


def row(arrays: dict[str, np.ndarray], name: str, n: int) -> list[int]:
    return arrays[name][arrays[name + "_at"][n] : arrays[name + "_at"][n + 1]].tolist()


def texts(arrays: dict[str, np.ndarray], words: Tokenizer, name: str, n: int) -> list[str]:
    told = row(arrays, "context", int(arrays["example_context"][n]))
    flat = row(arrays, name, n)
    return [words.decode(told[a : b + 1]) for a, b in zip(flat[::2], flat[1::2], strict=True)]


# Preparing


def test_answers_become_the_tokens_they_are_made_of(arrays, words):
    assert texts(arrays, words, "gold", 0) == ["five drones", "five drones and a warm vest"]
    assert texts(arrays, words, "gold", 1) == ["on sunday evening", "sunday evening"]
    assert texts(arrays, words, "gold", 2) == []
    assert texts(arrays, words, "gold", 5) == texts(arrays, words, "tag", 5)
    assert texts(arrays, words, "tag", 5) == ["books", "maps", "board games", "a telescope"]


def test_only_one_complete_answer_is_tagged(arrays, words):
    assert texts(arrays, words, "tag", 0) == []
    assert texts(arrays, words, "tag", 3) == ["clara wendt"]


def test_each_set_has_its_weight_and_each_text_its_article(arrays):
    assert arrays["example_weight"].tolist() == [2] * 5 + [8] * 3
    assert len(set(arrays["context_article"][:3].tolist())) == 1
    assert len(set(arrays["context_article"].tolist())) == 3


def test_a_follow_up_is_asked_behind_the_turn_before_and_behind_all(arrays, words):
    forms = [words.decode(row(arrays, "question", form)) for form in row(arrays, "form", 6)]
    assert forms[:2] == ["c d? and what else?", "a b? c d? and what else?"]


def test_negatives_are_of_the_same_article_and_hold_no_answer(arrays, words):
    for n, answers in enumerate((["five drones"], ["sunday evening"], [], ["clara wendt"], ["a dark loaf"])):
        negatives = row(arrays, "negative", n)
        assert bool(negatives) == bool(answers)
        for context in negatives:
            assert context != arrays["example_context"][n]
            assert context < 3
            text = words.decode(row(arrays, "context", context))
            assert not any(answer in text for answer in answers)


def test_the_negative_most_like_the_question_comes_first(arrays):
    assert row(arrays, "negative", 1)[0] == 2  # the other passage with a train and a border


def test_an_answer_that_is_too_long_is_left_out():
    starts, ends = np.arange(0, 2000, 10), np.arange(5, 2005, 10)
    assert prepare.to_tokens([(0, 25), (0, 1500), (5, 9)], starts, ends) == [(0, 2)]


def test_questions_are_varied_in_ways_that_people_type():
    rng = random.Random(1)
    question = "When did the governor of Perm give Kim the drones?"
    assert prepare.keywords(question) == "governor Perm give Kim drones"
    assert all(prepare.misspell(question, rng) for _ in range(50))
    assert prepare.misspell("a?", rng) == "a"
    assert prepare.pronoun("What did Kim say?", "Who is Kim?", rng) in [
        f"What did {word} say?" for word in ("he", "it", "they", "she", "this", "that")
    ]
    assert prepare.pronoun("What did Kim say?", "Who is Clara?", rng) is None


# Batches


def batches(data: Path, count: int, *, longest: int = 64, seed: int = 3) -> list[dict[str, torch.Tensor]]:
    stream = iter(Examples(data, tokens=400, longest=longest, seed=seed))
    return [next(stream) for _ in range(count)]


ANSWERS = {
    "five drones",
    "five drones and a warm vest",
    "on sunday evening",
    "sunday evening",
    "clara wendt",
    "a dark loaf with caraway",
    "books",
    "maps",
    "board games",
    "a telescope",
}


@pytest.mark.parametrize("longest", [40, 64, 200])
def test_in_every_batch_the_golds_are_the_answers(data, words, longest):
    seen: set[str] = set()
    for batch in batches(data, 40, longest=longest):
        size = batch["ids"].shape
        assert size[1] <= -(-longest // 8) * 8
        assert all(batch[name].shape == size for name in ("mask", "context", "starts", "ends", "tags"))
        for n in range(size[0]):
            ids, context = batch["ids"][n], batch["context"][n]
            assert ids[0] == 101
            assert ids[batch["mask"][n] == 1][-1] == 102
            starts, ends = torch.where(batch["starts"][n])[0].tolist(), torch.where(batch["ends"][n])[0].tolist()
            if starts == [0]:
                assert ends == [0]
                continue
            assert context[starts].all()
            assert context[ends].all()
            found = {words.decode(ids[a : b + 1].tolist()) for a in starts for b in ends if a <= b} & ANSWERS
            assert found
            seen |= found
            assert set(batch["tags"][n][~context].tolist()) <= {-100}
            begins = torch.where(batch["tags"][n] == 1)[0].tolist()
            for begin in begins:
                end = begin + 1
                while end < size[1] and batch["tags"][n][end] == 2:
                    end += 1
                assert words.decode(ids[begin:end].tolist()) in ANSWERS
    assert {"clara wendt", "five drones", "books", "a telescope"} <= seen


def test_a_text_is_cut_without_cutting_an_answer_off(data):
    sizes = {int(b["context"].sum(1).max()) for b in batches(data, 40, longest=200)}
    assert len(sizes) > 1


def test_the_same_seed_gives_the_same_batches(data):
    for one, two in zip(batches(data, 5), batches(data, 5), strict=True):
        assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_a_model_is_fed_what_its_own_tokenizer_gives(data, words, kind):
    """Training works in BERT's numbers; MPNet's differ by a shift and one separator more."""
    own = Tokenizer.from_file(str((BERT if kind == "bert" else MPNET) / "tokenizer.json"))
    own.no_truncation()
    own.no_padding()
    model: Any = SimpleNamespace(is_bert=kind == "bert")
    compared = 0
    for batch in batches(data, 10):
        inputs = feed(model, batch)
        for n in range(len(batch["ids"])):
            first = int(batch["context"][n].int().argmax())
            question = words.decode(batch["ids"][n, 1 : first - 1].tolist())
            text = words.decode(batch["ids"][n][batch["context"][n]].tolist())
            expected = own.encode(question, text)
            if words.encode(question, text).ids != batch["ids"][n][batch["mask"][n] == 1].tolist():
                continue  # cut within a word, or a misspelling that decodes to other pieces
            compared += 1
            shown = inputs["attention_mask"][n] == 1
            assert inputs["input_ids"][n][shown].tolist() == expected.ids
            if kind == "bert":
                assert inputs["token_type_ids"][n][shown].tolist() == expected.type_ids
        if kind == "mpnet":
            back = aligned(model, inputs["input_ids"][:, :, None].float(), batch)[:, :, 0]
            assert torch.equal(back[batch["context"]], batch["ids"][batch["context"]].float() + 4)
            assert (back[:, 0] == 0).all()
    assert compared > 20


def test_the_loss_of_a_right_answer_is_nothing_and_of_a_wrong_one_large(data):
    for batch in batches(data, 5):
        right = torch.full((*batch["ids"].shape, 5), -20.0)
        right[..., 0][batch["starts"]] = 20.0
        right[..., 1][batch["ends"]] = 20.0
        right[..., 2:].scatter_(2, batch["tags"].clamp(min=0)[..., None], 20.0)
        options = {"tag_weight": 0.1, "taught": 0.5}
        assert losses(right, batch, None, **options) < 1e-3
        assert losses(-right, batch, None, **options) > 1
        assert losses(right, batch, right, **options) < 1e-3
        assert losses(right, batch, -right, **options) > 1


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


def encoder(folder: Path, kind: str) -> Path:
    torch.manual_seed(5)
    size = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 130,
        "initializer_range": 0.2,
    }
    if kind == "bert":
        made: Any = BertModel(BertConfig(vocab_size=30_522, **size), add_pooling_layer=False)
    else:
        made = MPNetModel(MPNetConfig(vocab_size=30_527, **size), add_pooling_layer=False)
    made.save_pretrained(folder)
    return folder


def test_smoothing_changes_nothing_in_full_precision(tmp_path, data):
    model = ReaderModel.from_folder(encoder(tmp_path, "bert")).eval()
    (batch,) = batches(data, 1)
    with torch.no_grad():
        before = model(**feed(model, batch))
        calibrate(model, iter(batches(data, 24)), torch.device("cpu"), fp32=True)
        assert torch.equal(model(**feed(model, batch)), before)
    smooth = [layer.smooth for layer in model.quantised]
    assert all((s > 0).all() and not torch.equal(s, torch.ones_like(s)) for s in smooth)
    query, key, value = model.quantised[:3]
    assert torch.equal(query.smooth, key.smooth)  # they read the same input
    assert torch.equal(key.smooth, value.smooth)


def test_a_question_answering_checkpoint_keeps_its_head(tmp_path):
    import tiny_readers

    folder = tiny_readers.save_transformers(tmp_path / "qa")
    original = tiny_readers.transformers_model()
    model = ReaderModel.from_folder(folder)
    assert torch.allclose(model.heads.weight[:2], original.qa_outputs.weight)
    assert torch.allclose(model.heads.bias[:2], original.qa_outputs.bias)


# End to end


def trained(data: Path, base: Path, out: Path, *more: str) -> ReaderModel:
    options = parser().parse_args(
        [
            *("--base", str(base), "--data", str(data), "--out", str(out), "--minutes", "0.07", "--fp32"),
            *("--batch-tokens", "200", "--longest", "64", "--quantise-from", "0.3", "--lr", "3e-3", *more),
        ]
    )
    return train(options).eval()


@pytest.fixture(scope="module")
def small(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT trained for four seconds, in `trained`, and its export, in `reader`."""
    folder = tmp_path_factory.mktemp("small")
    trained(data, encoder(folder / "base", "bert"), folder / "trained")
    exported(folder / "trained", folder / "reader", BERT)
    return folder


def exported(model: Path, out: Path, tokenizer: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        exporting.export(model, tokenizer=tokenizer, name="tiny-1", out=out, max_tokens=64, doc_stride=16)
    return out


def torch_logits(model: ReaderModel, ids: torch.Tensor) -> np.ndarray:
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.is_bert:
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


def test_training_lowers_the_loss_and_says_that_it_ended_in_8_bits(small, data):
    state = json.loads((small / "trained" / "state.json").read_text(encoding="utf-8"))
    assert state["quantised"]
    assert state["step"] > 5
    model, fresh = load(small / "trained").eval(), ReaderModel.from_folder(small / "base").eval()
    model.quantise(True)

    def loss(of: ReaderModel) -> float:
        with torch.no_grad():
            return sum(
                float(losses(of(**feed(of, b)), b, None, tag_weight=0.1, taught=0)) for b in batches(data, 10, seed=9)
            )

    assert loss(model) < loss(fresh)


@pytest.mark.parametrize("length", [12, 64])
def test_the_exported_reader_computes_what_training_computed(small, length):
    model = with_rounded_words(load(small / "trained").eval())
    model.quantise(True)
    ids = torch.randint(200, 20_000, (1, length), generator=torch.Generator().manual_seed(length))
    assert np.allclose(onnx_logits(small / "reader", ids), torch_logits(model, ids), atol=1e-2)
    model.quantise(False)
    assert not np.allclose(onnx_logits(small / "reader", ids), torch_logits(model, ids), atol=1e-6)


def test_weights_are_stored_in_seven_bits_and_words_in_eight(small):
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


def test_the_exported_folder_is_a_reader(small):
    assert {p.name for p in (small / "reader").iterdir()} == {"model.onnx", "tokenizer.json", "reader.json"}
    read(small / "reader")


def test_a_large_model_keeps_its_weights_beside_it(small, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "EXTERNAL_FROM", 1000)
    folder = exported(small / "trained", tmp_path / "reader", BERT)
    described = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
    assert set(described["checksums"]) == {"model.onnx", "tokenizer.json", "embeddings.bin", "weights.bin"}
    assert (folder / "embeddings.bin").stat().st_size >= 30_522 * 32
    assert (folder / "model.onnx").stat().st_size < (small / "reader" / "model.onnx").stat().st_size / 2
    ids = torch.randint(200, 20_000, (1, 20), generator=torch.Generator().manual_seed(1))
    assert np.array_equal(onnx_logits(folder, ids), onnx_logits(small / "reader", ids))
    read(folder)


def test_the_other_encoder_is_exported_alike(data, tmp_path):
    model = ReaderModel.from_folder(encoder(tmp_path / "base", "mpnet"))
    calibrate(model, iter(batches(data, 24)), torch.device("cpu"), fp32=True)
    save(model, tmp_path / "trained", {})
    folder = exported(tmp_path / "trained", tmp_path / "reader", MPNET)
    again = with_rounded_words(load(tmp_path / "trained").eval())
    again.quantise(True)
    ids = torch.randint(200, 20_000, (1, 30), generator=torch.Generator().manual_seed(2))
    assert np.allclose(onnx_logits(folder, ids), torch_logits(again, ids), atol=1e-2)
    read(folder)


def test_training_goes_on_from_an_earlier_one_with_a_teacher(small, data, tmp_path):
    model = trained(data, small / "trained", tmp_path / "more", "--teacher", str(small / "trained"))
    before = load(small / "trained").state_dict()
    after = load(tmp_path / "more").state_dict()
    assert before.keys() == after.keys() == model.state_dict().keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert all(torch.isfinite(tensor).all() for tensor in after.values())


def test_layers_that_were_taken_over_are_all_linear_ones(small):
    model = ReaderModel.from_folder(small / "base")
    linear = [m for m in model.encoder.modules() if isinstance(m, torch.nn.Linear)]
    assert model.quantised == linear
    assert all(isinstance(layer, FakeQuant) for layer in linear)
    assert type(model.heads) is torch.nn.Linear

"""The recipe's parts, each on its own: questions to tokens, batches, 8-bit layers, bases, the export.

Uses the shipped tokenizers, which are what the recipe is for.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer
from training_sets import ANSWERS, LIST, PARAGRAPHS, TOKENIZERS, arrays_of, encoder, exported, lines

from index.types import Passage
from qa.evaluation.types import Problem
from qa.reading.builtin import MODELS, OnnxReader
from qa.training import export as exporting
from qa.training import forms, prepare
from qa.training.base import load, open_network, open_pieces
from qa.training.errors import TrainingError
from qa.training.layout import Taught, aligned, inputs
from qa.training.model import LEVELS, FakeQuant, ReaderModel, round_activations, round_weights, weight_step
from qa.training.pieces import Pieces
from qa.training.prepare import Arrays
from qa.training.questions import Example, read_sets
from qa.training.stream import Batch, Blocks, Mixture, stream


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Arrays, Pieces]:
    return arrays_of(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def arrays(data: tuple[Arrays, Pieces]) -> Arrays:
    return data[0]


@pytest.fixture(scope="module")
def words(data: tuple[Arrays, Pieces]) -> Tokenizer:
    return data[1].tokenizer


def row(arrays: Arrays, name: str, n: int) -> list[int]:
    found: list[int] = arrays[name][arrays[name + "_at"][n] : arrays[name + "_at"][n + 1]].tolist()
    return found


def texts(arrays: Arrays, words: Tokenizer, name: str, n: int) -> list[str]:
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
    asked = [words.decode(row(arrays, "question", form)) for form in row(arrays, "form", 6)]
    assert asked[:2] == ["c d? and what else?", "a b? c d? and what else?"]


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
    assert forms.keywords(question) == "governor Perm give Kim drones"
    assert all(forms.misspell(question, rng) for _ in range(50))
    assert forms.misspell("a?", rng) == "a"
    assert forms.pronoun("What did Kim say?", "Who is Kim?", rng) in [
        f"What did {word} say?" for word in ("he", "it", "they", "she", "this", "that")
    ]
    assert forms.pronoun("What did Kim say?", "Who is Clara?", rng) is None


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9])
def test_the_share_of_other_forms_is_as_asked(share):
    examples = [Example(f"When did Kim meet number {n}?", [], n // 20, [(0, 3)], [], 1.0, ["Kim"]) for n in range(2000)]
    forms.vary(examples, random.Random(1), share=share)
    found = sum(len(example.variants) for example in examples) / len(examples)
    assert 0.9 * share <= found <= 1.05 * share


def test_lists_can_be_drawn_more_often(tmp_path):
    sets = read_sets([(lines(tmp_path), 2.0)], None, lambda problem: None)
    pieces = Pieces.open(TOKENIZERS["bert"] / "tokenizer.json")
    found = prepare.prepare(sets, pieces, noise=0, lists=5, seed=0)
    assert found["example_weight"].tolist() == [10.0, 2.0, 2.0]


def test_what_cannot_be_trained_on_is_told_and_costs_nothing_else(tmp_path):
    (tmp_path / "secret.txt").write_text("A secret.", encoding="utf-8")
    folder = tmp_path / "sets"
    folder.mkdir()
    rows = [
        {"id": "away", "question": "Who?", "document": "../secret.txt", "answers": []},
        {"id": "gone", "question": "Who?", "document": "none.txt", "answers": []},
        {"id": "nowhere", "question": "Who?", "context": "It was Kim.", "answers": [{"spans": [], "aliases": ["Kim"]}]},
        {
            "id": "good",
            "question": "Who?",
            "context": "It was Kim.",
            "answers": [{"spans": [{"text": "Kim", "start": 7, "end": 10}]}],
        },
    ]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    problems: list[Problem] = []
    sets = read_sets([(file, 1.0)], None, problems.append)
    assert [example.golds for example in sets.examples] == [[(7, 10)]]
    assert [problem.field for problem in problems] == ["away", "gone", "nowhere"]


def test_files_without_an_answer_are_refused(tmp_path):
    file = tmp_path / "none.jsonl"
    file.write_text('{"question": "Who?", "context": "Nobody.", "answers": []}\n', encoding="utf-8")
    with pytest.raises(TrainingError, match="no question of --train can be answered"):
        read_sets([(file, 1.0)], None, lambda problem: None)
    with pytest.raises(TrainingError, match="does not exist"):
        read_sets([(tmp_path / "other.json", 1.0)], None, lambda problem: None)


# Batches


def mixture(**given: object) -> Mixture:
    usual: dict[str, object] = {
        "seed": 3, "longest": 64, "batch_tokens": 400, "crop": (50, 200), "crops": 0.35, "joined": 0.2,
        "negatives": 0.13, "together": False, "first_gold": False, "title": False,
    }  # fmt: skip
    return Mixture(**{**usual, **given})  # type: ignore[arg-type]


def batches(data: tuple[Arrays, Pieces], count: int, *, workers: int = 0, **given: object) -> list[Batch]:
    blocks = Blocks(data[0], mixture(**given), "whole", data[1])
    found = stream(blocks, 0, 0, workers=workers)
    return [next(found)[2] for _ in range(count)]


@pytest.mark.parametrize("title", [False, True])
@pytest.mark.parametrize("longest", [40, 64, 200])
def test_in_every_batch_the_golds_are_the_answers(data, words, longest, title):
    seen: set[str] = set()
    for batch in batches(data, 40, longest=longest, title=title):
        size = batch["input_ids"].shape
        assert size[1] <= -(-longest // 8) * 8
        assert all(batch[name].shape == size for name in ("attention_mask", "token_type_ids", "context", "tags"))
        for n in range(size[0]):
            ids, context = batch["input_ids"][n], batch["context"][n]
            assert ids[0] == 101
            assert ids[batch["attention_mask"][n] == 1][-1] == 102
            golds = [tuple(gold) for gold in batch["golds"][n].tolist() if gold[0] >= 0]
            found = {words.decode(ids[a : b + 1].tolist()) for a, b in golds}
            assert found <= ANSWERS
            assert all(context[a] and context[b] for a, b in golds)
            assert set(batch["tags"][n][~context].tolist()) <= {-100}
            begins = torch.where(batch["tags"][n] == 1)[0].tolist()
            for begin in begins:
                end = begin + 1
                while end < size[1] and batch["tags"][n][end] == 2:
                    end += 1
                assert words.decode(ids[begin:end].tolist()) in ANSWERS
            seen |= found
            before = ids[int(batch["first"][n]) : int(context.int().argmax())].tolist()
            assert words.decode(before) in (("perm city", "") if title else ("",))
    assert {"clara wendt", "five drones", "books", "a telescope"} <= seen


def test_texts_are_cut_to_the_sizes_asked_for(data):
    def sizes(**given: object) -> set[int]:
        return {int(n) for b in batches(data, 60, longest=200, **given) for n in b["context"].sum(1)}

    assert max(sizes(crops=1.0, crop=(9, 12))) <= 12
    assert max(sizes(crops=0.0)) > 20


def test_only_the_first_gold_is_one_where_asked(data):
    assert max(b["golds"].shape[1] for b in batches(data, 40)) > 1
    assert max(b["golds"].shape[1] for b in batches(data, 40, first_gold=True)) == 1


def test_negatives_have_no_answer_and_come_as_often_as_asked(data):
    def share(**given: object) -> float:
        rows = [g for b in batches(data, 150, **given) for g in b["golds"][:, 0, 0].tolist()]
        return sum(g < 0 for g in rows) / len(rows)

    none, many = share(negatives=0.0), share(negatives=1.0)
    assert 0.25 < none < 0.34  # 10 of 34 draws are of questions that nothing answers
    assert 0.2 < many - none < 0.27  # 8 of 34 are of questions that another passage could be asked


def test_passages_of_one_question_stay_together(data, words):
    groups = 0
    for batch in batches(data, 60, together=True, negatives=1.0, batch_tokens=600):
        for number in batch["group"].unique().tolist():
            rows = torch.where(batch["group"] == number)[0].tolist()
            asked = {tuple(batch["input_ids"][r, : batch["first"][r]].tolist()) for r in rows}
            assert len(asked) == 1
            answered = [bool(batch["golds"][r, 0, 0] >= 0) for r in rows]
            assert answered in ([True], [False], [True, False], [True, False, False])
            groups += len(rows) > 1
    assert groups > 20


def test_the_same_seed_gives_the_same_batches_whoever_makes_them(data, monkeypatch):
    monkeypatch.setattr("qa.training.stream.BLOCK", 40)
    usual = batches(data, 12)
    for others in (batches(data, 12), batches(data, 12, workers=2)):
        for one, two in zip(usual, others, strict=True):
            assert one.keys() == two.keys()
            assert all(torch.equal(one[name], two[name]) for name in one)
    other = batches(data, 12, seed=4)
    assert any(not torch.equal(one["input_ids"], two["input_ids"]) for one, two in zip(usual, other, strict=True))


def test_a_stream_goes_on_at_any_batch(data, monkeypatch):
    monkeypatch.setattr("qa.training.stream.BLOCK", 40)
    blocks = Blocks(data[0], mixture(), "whole", data[1])
    usual = stream(blocks, 0, 0, workers=0)
    told = [next(usual) for _ in range(12)]
    assert max(block for block, _, _ in told) > 1
    for n in (0, 3, 7):
        block, index, _ = told[n]
        again = stream(blocks, block, index, workers=0)
        for expected in told[n + 1 :]:
            found = next(again)
            assert found[:2] == expected[:2]
            assert torch.equal(found[2]["input_ids"], expected[2]["input_ids"])


# Layout


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_a_model_is_fed_what_its_own_tokenizer_gives(tmp_path, kind):
    arrays, pieces = arrays_of(tmp_path, kind)
    compared = 0
    for batch in batches((arrays, pieces), 10):
        for n in range(len(batch["input_ids"])):
            ids, context = batch["input_ids"][n], batch["context"][n]
            first = int(batch["first"][n])
            question = pieces.tokenizer.decode(ids[1 : first - len(pieces.between)].tolist())
            text = pieces.tokenizer.decode(ids[context].tolist())
            expected = pieces.tokenizer.encode(question, text)
            shown = batch["attention_mask"][n] == 1
            if len(expected.ids) != int(shown.sum()):
                continue  # cut within a word, or a misspelling that decodes to other pieces
            compared += 1
            assert ids[shown].tolist() == expected.ids
            assert batch["token_type_ids"][n][shown].tolist() == expected.type_ids
            assert (ids[~shown] == pieces.padding).all()
    assert compared > 20


@pytest.mark.parametrize(("pupil", "teacher"), [("bert", "mpnet"), ("mpnet", "bert")])
def test_a_teacher_reads_the_same_text_in_its_own_numbers(tmp_path, pupil, teacher):
    arrays, pieces = arrays_of(tmp_path, pupil)
    theirs = Pieces.open(TOKENIZERS[teacher] / "tokenizer.json")
    blocks = Blocks(arrays, mixture(), "whole", pieces, Taught(theirs, pieces.translation(theirs)))
    found = stream(blocks, 0, 0, workers=0)
    for _ in range(5):
        batch = next(found)[2]
        ids = inputs(batch, teacher=True)["input_ids"]
        back = aligned(ids[:, :, None].float(), batch)[:, :, 0].long()
        assert (back[:, 0] == theirs.before[0]).all()
        for n, context in enumerate(batch["context"]):
            mine = [pieces.tokenizer.id_to_token(t) for t in batch["input_ids"][n][context].tolist()]
            assert mine == [theirs.tokenizer.id_to_token(t) for t in back[n][context].tolist()]
            question = batch["input_ids"][n, 1 : int(batch["first"][n]) - len(pieces.between)].tolist()
            asked = ids[n, 1 : 1 + len(question)].tolist()
            assert pieces.tokenizer.decode(question) == theirs.tokenizer.decode(asked)


def test_a_teacher_of_other_words_is_refused():
    import tiny_readers

    other = tiny_readers.tokenizer()
    ours = Pieces.open(TOKENIZERS["bert"] / "tokenizer.json")
    with pytest.raises(TrainingError, match="cuts words in another way"):
        ours.translation(Pieces(other, (2,), (3,), (3,), 1, 0))


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

"""What the recipe makes of its questions: tokens, batches, and what a network is fed.

Uses the shipped tokenizers, which are what the recipe is for.
"""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from training_sets import ANSWERS, TOKENIZERS, arrays_of, batches, lines, mixture

from qa.evaluation.types import Problem
from qa.training import forms, prepare
from qa.training.errors import TrainingError
from qa.training.layout import Taught, aligned, inputs
from qa.training.pieces import Pieces
from qa.training.prepare import Arrays
from qa.training.questions import Example, read_sets
from qa.training.stream import Blocks, stream


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

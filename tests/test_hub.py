"""Readers from transformers models: what opens, and what is refused with a remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tiny_readers

from index.errors import ModelError
from qa.reading.hub import HubReader


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_readers.save_transformers(tmp_path_factory.mktemp("hub") / "model")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "model")


def refused(name: str | Path, *, match: str) -> None:
    with pytest.raises(ModelError, match=match) as raised:
        HubReader(name)
    assert "\n" not in str(raised.value)


def test_a_model_opens_by_path_and_is_named_by_it(folder):
    reader = HubReader(folder)
    assert reader.name == str(folder)
    assert reader.read("who", [tiny_readers.passage("Kim left on Sunday.")])[0].spans


def test_weights_in_half_precision_are_computed_in_single(folder):
    tiny_readers.transformers_model().half().save_pretrained(folder)
    half = HubReader(folder).read("who", [tiny_readers.passage("Kim left on Sunday.")])[0]
    assert half.spans


def test_a_model_opens_by_name_from_the_local_cache(folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    repository = tmp_path / "cache" / "models--someone--tiny"
    (repository / "snapshots").mkdir(parents=True)
    folder.rename(repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc", encoding="utf-8")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    reader = HubReader("someone/tiny")
    assert reader.name == "someone/tiny"
    assert reader.read("who", [tiny_readers.passage("Kim left on Sunday.")])[0].spans


@pytest.mark.parametrize("name", ["no-such-model", "nobody/no-such-model", "", "../..", "a\x00b", "%s{0}", "x" * 5000])
def test_a_model_that_is_not_here_is_refused_without_asking_anyone(name):
    refused(name, match="no question-answering model can be opened")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_model_is_refused(folder, name, damage):
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage == "cut":
        (folder / name).write_bytes(content[: len(content) // 2])
    refused(folder, match="can be opened|cannot be used")


def test_a_model_without_a_question_answering_head_is_refused(folder):
    tiny_readers.transformers_model().bert.save_pretrained(folder)
    refused(folder, match="no trained weights for 'qa_outputs")


def test_a_model_for_something_else_is_refused(folder):
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(vocab_size=90, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    BertForSequenceClassification(config).save_pretrained(folder)
    refused(folder, match="no trained weights for 'qa_outputs")


def test_a_window_smaller_than_a_question_is_refused(folder):
    with pytest.raises(ModelError, match="cannot be used"):
        HubReader(folder, max_tokens=4)

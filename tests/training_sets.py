"""Small question sets, encoders and runs for the tests of training."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from qa.reading.builtin import MODELS
from qa.training import export as exporting
from qa.training.model import ReaderModel
from qa.training.pieces import Pieces
from qa.training.prepare import Arrays, prepare
from qa.training.questions import read_sets
from qa.training.recipe import Recipe
from qa.training.stream import Batch, Blocks, Mixture, stream

PARAGRAPHS = [
    "The governor of Perm gave Kim five drones and a warm vest. The train left for the border on Sunday evening.",
    "The ferry to Hollow Island leaves at noon from the northern pier. Its captain is Clara Wendt, a ship owner.",
    "Bakers in Perm sell a dark loaf with caraway. It keeps for a week. The train to the border brings the flour.",
]
LIST = "Members may borrow books, maps, board games and a telescope. Nobody has ever asked for the globe."
TOKENIZERS = {"bert": MODELS / "small", "mpnet": MODELS / "careful"}
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
            "title": "Perm_city",
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
        {"id": "1", "question": "What may members borrow?", "context": LIST, "answers": [{"spans": spans}]},
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


def arrays_of(folder: Path, kind: str = "bert") -> tuple[Arrays, Pieces]:
    pieces = Pieces.open(TOKENIZERS[kind] / "tokenizer.json")
    sets = read_sets([(squad(folder), 2.0), (lines(folder), 8.0)], None, lambda problem: None)
    return prepare(sets, pieces, noise=0.25, lists=1, seed=0), pieces


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


def encoder(folder: Path, kind: str, *, places: int = 130) -> Path:
    """A transformers folder with random weights, large enough ones for scores to differ."""
    torch.manual_seed(5)
    size = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": places,
        "initializer_range": 0.2,
    }
    if kind == "bert":
        made: Any = BertModel(BertConfig(vocab_size=30_522, pad_token_id=0, **size), add_pooling_layer=False)
    else:
        made = MPNetModel(MPNetConfig(vocab_size=30_527, pad_token_id=1, **size), add_pooling_layer=False)
    made.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((TOKENIZERS[kind] / "tokenizer.json").read_bytes())
    return folder


def recipe(folder: Path, base: Path, **given: Any) -> Recipe:
    """A run of a second on the sets in `folder`."""
    usual: dict[str, Any] = {
        "train": ((squad(folder), 2.0), (lines(folder), 8.0)),
        "steps": 12,
        "lr": 3e-3,
        "batch_tokens": 200,
        "longest": 64,
        "doc_stride": 16,
        "crop": (16, 24),
        "evaluations": 0,
        "precision": "fp32",
        "threads": 1,
        "short_until": 0.3,
        "round_from": 0.6,
        "name": "tiny-1",
    }
    return Recipe(base=base, **{**usual, **given})


def exported(model: ReaderModel, out: Path, kind: str) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        exporting.export(
            model, tokenizer=TOKENIZERS[kind] / "tokenizer.json", name="tiny-1", out=out, max_tokens=64, doc_stride=16
        )
    return out

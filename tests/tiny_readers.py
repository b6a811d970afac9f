"""Readers small enough to be made within a test: random weights, but the real tokenizers, export and runtimes."""

from __future__ import annotations

import hashlib
import json
import string
import warnings
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from index.types import Passage

MAX_TOKENS, DOC_STRIDE = 48, 8
_WORDS = ["who", "gave", "kim", "the", "gifts", "five", "drones", "and", "a", "vest", "on", "sunday", "in", "russia"]


def passage(text: str, *, at: int = 0, identity: str = "p") -> Passage:
    return Passage(id=identity, document_id="d", text=text, start=at, end=at + len(text))


def tokenizer(kind: str = "bert") -> Tokenizer:
    """A WordPiece tokenizer with BERT's or RoBERTa's way of setting out a pair."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] if kind == "bert" else ["<s>", "<pad>", "</s>", "[UNK]"]
    letters = string.ascii_lowercase + string.digits + string.punctuation + "éß’“”‘—…日本語"
    pieces = [*special, *_WORDS, *letters, *(f"##{letter}" for letter in letters)]
    made = Tokenizer(models.WordPiece({p: n for n, p in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]"))
    made.add_special_tokens([*special])
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    first, last = ("[CLS]", "[SEP]") if kind == "bert" else ("<s>", "</s>")
    ends = [(last, made.token_to_id(last)), (first, made.token_to_id(first))]
    made.post_processor = processors.BertProcessing(*ends) if kind == "bert" else processors.RobertaProcessing(*ends)
    return made


def transformers_model(kind: str = "bert", *, seed: int = 7) -> Any:
    """A question-answering model with random weights, large enough ones for scores to differ."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, MPNetConfig, MPNetForQuestionAnswering

    torch.manual_seed(seed)
    size = {
        "vocab_size": tokenizer(kind).get_vocab_size(),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 80,
        "initializer_range": 0.5,
    }
    if kind == "bert":
        return BertForQuestionAnswering(BertConfig(**size, pad_token_id=0, attn_implementation="eager")).eval()
    return MPNetForQuestionAnswering(MPNetConfig(**size, pad_token_id=1, bos_token_id=0, eos_token_id=2)).eval()


def save_transformers(folder: Path, kind: str = "bert", *, model: Any = None) -> Path:
    """Write what `from_pretrained` opens: weights, configuration and tokenizer."""
    from transformers import PreTrainedTokenizerFast

    named = (
        {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        if kind == "bert"
        else {"pad_token": "<pad>", "unk_token": "[UNK]", "cls_token": "<s>", "sep_token": "</s>", "bos_token": "<s>"}
    )
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if kind == "bert" else [])]
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(kind), model_max_length=MAX_TOKENS, model_input_names=inputs, **named
    )
    wrapped.save_pretrained(folder)
    (transformers_model(kind) if model is None else model).save_pretrained(folder)
    return folder


def save_onnx(folder: Path, kind: str = "bert", *, tags: bool = False) -> Path:
    """Export the model of `transformers_model` as the shipped readers are, with a tagging head where asked."""
    import torch

    model = transformers_model(kind)
    head = torch.nn.Linear(16, 3)
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if kind == "bert" else [])]
    outputs = ["start_logits", "end_logits", *(["tag_logits"] if tags else [])]

    class Exported(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.head = model, head

        def forward(self, *arrays: Any) -> Any:
            found = self.model(**dict(zip(inputs, arrays, strict=True)), output_hidden_states=True)
            more = (self.head(found.hidden_states[-1]),) if tags else ()
            return found.start_logits, found.end_logits, *more

    folder.mkdir(parents=True, exist_ok=True)
    example = torch.ones((1, 9), dtype=torch.int64)
    axes = {name: {0: "batch", 1: "seq"} for name in (*inputs, *outputs)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about itself
        torch.onnx.export(
            Exported().eval(),
            tuple(example for _ in inputs),
            str(folder / "model.onnx"),
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    tokenizer(kind).save(str(folder / "tokenizer.json"))
    describe(folder)
    return folder


def describe(folder: Path, **changes: Any) -> None:
    """Write `reader.json` for the files that are there now."""
    sums = {f: hashlib.sha256((folder / f).read_bytes()).hexdigest() for f in ("model.onnx", "tokenizer.json")}
    settings = {"name": "tiny", "max_tokens": MAX_TOKENS, "doc_stride": DOC_STRIDE, "checksums": sums}
    (folder / "reader.json").write_text(json.dumps(settings | changes), encoding="utf-8")

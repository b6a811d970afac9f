"""Examples → arrays of token numbers that training samples from.

Everything is cut into tokens once, here, so that training never waits for text, and a run that goes on does not read
its question files again.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from qa.training.errors import TrainingError
from qa.training.forms import vary
from qa.training.pieces import Pieces
from qa.training.questions import Context, Example, Places, Sets

MAX_QUESTION = 48
MAX_TITLE = 16
MAX_SPAN = 80
HARD_NEGATIVES = 3
Arrays = dict[str, NDArray[Any]]


def prepare(sets: Sets, pieces: Pieces, *, noise: float, lists: float, seed: int) -> Arrays:
    """Cut everything into tokens; `noise` is the share of questions that get another form (see `qa.training.forms`),
    `lists` how many times as often list questions are drawn.

    Arrays of different lengths a row are stored flat, under `NAME`, with where each row begins under `NAME_at`:
    `context`, `title` and `question` are token numbers, `form` the questions of an example, `gold` and `tag` first and
    last tokens of its answers, and `negative` texts that it might be answered from and is not.

    Raises: `TrainingError` where no answer is left.
    """
    vary(sets.examples, random.Random(seed), share=noise)
    cut = pieces.tokenizer.encode_batch
    encoded = cut([c.text for c in sets.contexts], add_special_tokens=False)
    told = [e.ids for e in encoded]
    places = [np.array(e.offsets, np.int64).reshape(-1, 2) for e in encoded]
    kept = [e for e in sets.examples if in_tokens(e, places[e.context])]
    if not any(e.golds for e in kept):
        raise TrainingError(
            f"every answer of --train is longer than {MAX_SPAN} tokens or holds none: name files with shorter answers"
        )
    asked = [x.ids[:MAX_QUESTION] for x in cut([e.question for e in kept], add_special_tokens=False)]
    others = iter(cut([v for e in kept for v in e.variants], add_special_tokens=False))
    questions: list[list[int]] = []
    forms: list[list[int]] = []
    for example, ids in zip(kept, asked, strict=True):
        first = len(questions)
        questions += [ids, *(next(others).ids[-MAX_QUESTION:] for _ in example.variants)]
        forms.append(list(range(first, len(questions))))
    titles = cut([c.title.replace("_", " ") for c in sets.contexts], add_special_tokens=False)
    token = np.uint16 if pieces.tokenizer.get_vocab_size() <= 1 << 16 else np.uint32
    arrays: Arrays = {
        "example_context": np.array([e.context for e in kept], np.int32),
        "example_weight": np.array([e.weight * (lists if len(e.tags) > 1 else 1) for e in kept], np.float32),
        "context_article": np.array([c.article for c in sets.contexts], np.int32),
    }
    for name, rows, kind in (
        ("context", told, token),
        ("title", [t.ids[:MAX_TITLE] for t in titles], token),
        ("question", questions, token),
        ("form", forms, np.int32),
        ("gold", [[x for g in e.golds for x in g] for e in kept], np.int32),
        ("tag", [[x for t in e.tags for x in t] for e in kept], np.int32),
        ("negative", negatives(kept, sets.contexts, asked, told), np.int32),
    ):
        arrays[name], arrays[name + "_at"] = ragged(rows, kind)
    return arrays


def in_tokens(example: Example, places: NDArray[np.int64]) -> bool:
    """Turn an example's places from characters into tokens; False where an answer cannot be told in tokens."""
    golds = to_tokens(example.golds, places[:, 0], places[:, 1])
    tags = to_tokens(example.tags, places[:, 0], places[:, 1])
    if len(tags) != len(example.tags) or (example.golds and not golds):
        return False
    example.golds, example.tags = golds, tags
    return True


def to_tokens(spans: Iterable[tuple[int, int]], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Places:
    """Character spans → inclusive token spans; a span that holds no token or is very long is left out."""
    found = []
    for start, end in spans:
        first = int(np.searchsorted(ends, start, side="right"))
        last = int(np.searchsorted(starts, end, side="left")) - 1
        if 0 <= first <= last and last - first < MAX_SPAN:
            found.append((first, last))
    return found


def negatives(
    examples: list[Example], contexts: list[Context], asked: list[list[int]], told: list[list[int]]
) -> list[list[int]]:
    """For every answerable example, other passages of its article that share its words but hold none of its golds.

    The score is the overlap of word pieces, weighted by their rarity in the article: what lexical search would rank.
    """
    found: list[list[int]] = [[] for _ in examples]
    articles: dict[int, list[int]] = defaultdict(list)
    questions: dict[int, list[int]] = defaultdict(list)
    lowered = [context.text.lower() for context in contexts]
    for c, context in enumerate(contexts):
        articles[context.article].append(c)
    for n, e in enumerate(examples):
        if e.golds:
            questions[contexts[e.context].article].append(n)
    size = 1 + max(max(t, default=0) for t in [*asked, *told])
    for article, members in articles.items():
        if len(members) < 2 or not questions[article]:
            continue
        passages = indicator([told[c] for c in members], size)
        rarity = np.log(1 + len(members) / (0.5 + np.asarray(passages.sum(axis=0)).ravel()))
        wanted = indicator([asked[n] for n in questions[article]], size).multiply(rarity).tocsr()
        scores = (wanted @ passages.T).toarray()
        for row, n in enumerate(questions[article]):
            e = examples[n]
            answers = [answer.lower() for answer in e.answers]
            for column in np.argsort(-scores[row], kind="stable")[: HARD_NEGATIVES + 3]:
                c = members[int(column)]
                if c != e.context and not any(answer in lowered[c] for answer in answers):
                    found[n].append(c)
            found[n] = found[n][:HARD_NEGATIVES]
    return found


def indicator(rows: Sequence[Sequence[int]], size: int) -> csr_matrix:
    """1 where a row holds a token."""
    pairs = [(r, t) for r, tokens in enumerate(rows) for t in set(tokens)]
    index = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return csr_matrix((np.ones(index.shape[1], np.float32), (index[0], index[1])), shape=(len(rows), size))


def ragged(rows: Sequence[Sequence[int]], kind: type) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Lists of different lengths → one flat array and the place where each begins."""
    places = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(r) for r in rows], out=places[1:])
    return np.fromiter((x for r in rows for x in r), dtype=kind, count=int(places[-1])), places


def write_arrays(arrays: Arrays, file: IO[bytes]) -> None:
    """Into an open file."""
    np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(file: Path) -> Arrays:
    """What `write_arrays` wrote."""
    with np.load(file) as stored:
        return {name: stored[name] for name in stored.files}

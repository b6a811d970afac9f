"""Question sets → one file of token numbers that training samples from.

Reads SQuAD 1.1/2.0 JSON and the JSON Lines of `seeds/` and of hard, list and written sets. Everything is tokenised once
here (BERT's uncased word pieces, which both encoders share), so that training never waits for text.

    python -m qa.training.prepare --tokenizer FOLDER --out examples.npz squad.json=2 hard.jsonl=8 …

The number after `=` says how often each example of a file is drawn relative to the others.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from tokenizers import Tokenizer

MAX_QUESTION = 48
MAX_SPAN = 80
HARD_NEGATIVES = 3
STOP_WORDS = frozenset(
    "a an and are as at be been by can could did do does for from had has have he her his how in is it its of on or "
    "she that the their them they this to was were what when where which who whom whose why will with would".split()
)


@dataclass(slots=True)
class Example:
    """A question on one text. `golds` are alternatives for a single span, `tags` every item of one complete answer."""

    question: str
    variants: list[str]
    context: int
    golds: list[tuple[int, int]]
    tags: list[tuple[int, int]]
    weight: float
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Context:
    text: str
    article: int
    place: int


def read_squad(path: Path, weight: float, contexts: list[Context], article_base: int) -> Iterator[Example]:
    """Every question of a SQuAD file; all golds are alternatives."""
    for number, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        for place, paragraph in enumerate(article["paragraphs"]):
            contexts.append(Context(paragraph["context"], article_base + number, place))
            for q in paragraph["qas"]:
                golds = sorted({(g["answer_start"], g["answer_start"] + len(g["text"])) for g in q["answers"]})
                yield Example(
                    question=q["question"],
                    variants=[],
                    context=len(contexts) - 1,
                    golds=golds,
                    tags=golds[:1] if len(golds) == 1 else [],
                    weight=weight,
                    texts=[g["text"] for g in q["answers"]],
                )


def read_lines(
    path: Path, weight: float, contexts: list[Context], article_base: int, documents: Path
) -> Iterator[Example]:
    """Every row of a JSON Lines set. A list answer is every item as tags, and any one item as the span."""
    seen: dict[str, int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = row["context"] if "context" in row else (documents / row["document"]).read_bytes().decode("utf-8")
        if text not in seen:
            contexts.append(Context(text, article_base + len(seen), 0))
            seen[text] = len(contexts) - 1
        golds = sorted({(s["start"], s["end"]) for a in row["answers"] for s in a["spans"] if len(a["spans"]) == 1})
        tags = [(s["start"], s["end"]) for s in row["answers"][0]["spans"]] if row["answers"] else []
        turns = row.get("turns", [])
        asked = [" ".join([*turns[-1:], row["question"]])]
        if len(turns) > 1:
            asked.append(" ".join([*turns, row["question"]]))
        yield Example(
            question=asked[0],
            variants=asked[1:],
            context=seen[text],
            golds=golds or tags,
            tags=tags,
            weight=weight,
            texts=[s["text"] for a in row["answers"] for s in a["spans"]],
        )


def misspell(question: str, rng: random.Random) -> str:
    """One or two slips of the fingers in the longer words."""
    letters = list(question.rstrip("?"))
    places = [i for i in range(1, len(letters) - 1) if letters[i].isalpha() and letters[i + 1].isalpha()]
    for _ in range(min(len(places), rng.choice((1, 2, 2, 3)))):
        i = rng.choice(places)
        kind = rng.random()
        if kind < 0.4:
            letters[i], letters[i + 1] = letters[i + 1], letters[i]
        elif kind < 0.75:
            letters[i] = ""
        elif kind < 0.9:
            letters[i] += letters[i]
        else:
            letters[i] = rng.choice("abcdefghiklmnoprstuwy")
    return "".join(letters)


def keywords(question: str) -> str:
    """The question as typed into a search box: content words alone."""
    words = re.findall(r"[\w'’-]+", question)
    kept = [w for w in words if w.lower() not in STOP_WORDS]
    return " ".join(kept) if 2 <= len(kept) <= 8 else question


def pronoun(question: str, before: str, rng: random.Random) -> str | None:
    """`question` with a name that `before` already gave replaced by a pronoun, or None where they share no name."""
    names = re.findall(r"(?<!^)\b[A-Z][\w’'-]+(?: (?:of |the |de )?[A-Z][\w’'-]+)*", question)
    for name in sorted(names, key=len, reverse=True):
        if name in before:
            owner = re.search(re.escape(name) + r"[’']s\b", question)
            if owner:
                return question.replace(owner.group(), rng.choice(("his", "its", "their", "her")), 1)
            return question.replace(name, rng.choice(("he", "it", "they", "she", "this", "that")), 1)
    return None


def vary(examples: list[Example], rng: random.Random) -> None:
    """Add misspelt, keyword and follow-up forms of questions, in place."""
    by_context: dict[int, list[Example]] = defaultdict(list)
    for e in examples:
        by_context[e.context].append(e)
    for e in examples:
        dice = rng.random()
        if dice < 0.10:
            e.variants.append(misspell(e.question, rng))
        elif dice < 0.15:
            e.variants.append(keywords(e.question))
        elif dice < 0.25 and len(by_context[e.context]) > 1:
            before = rng.choice(by_context[e.context])
            if before is not e and len(before.question) < 120:
                short = pronoun(e.question, before.question, rng)
                e.variants.append(f"{before.question} {short or e.question}")


def add_negatives(
    examples: list[Example],
    contexts: list[Context],
    asked: list[list[int]],
    told: list[list[int]],
) -> list[list[int]]:
    """For every answerable example, other passages of its article that share its words but hold none of its golds.

    The score is the overlap of word pieces, weighted by their rarity in the article: what lexical search would rank.
    """
    negatives: list[list[int]] = [[] for _ in examples]
    articles: dict[int, list[int]] = defaultdict(list)
    questions: dict[int, list[int]] = defaultdict(list)
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
            for column in np.argsort(-scores[row])[: HARD_NEGATIVES + 3]:
                c = members[int(column)]
                if c != e.context and not any(t.lower() in contexts[c].text.lower() for t in e.texts):
                    negatives[n].append(c)
            negatives[n] = negatives[n][:HARD_NEGATIVES]
    return negatives


def indicator(rows: Sequence[Sequence[int]], size: int) -> csr_matrix:
    pairs = [(r, t) for r, tokens in enumerate(rows) for t in set(tokens)]
    index = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return csr_matrix((np.ones(index.shape[1], np.float32), (index[0], index[1])), shape=(len(rows), size))


def to_tokens(spans: Iterable[tuple[int, int]], starts: np.ndarray, ends: np.ndarray) -> list[tuple[int, int]]:
    """Character spans → inclusive token spans; a span that holds no token or is very long is left out."""
    found = []
    for start, end in spans:
        first = int(np.searchsorted(ends, start, side="right"))
        last = int(np.searchsorted(starts, end, side="left")) - 1
        if 0 <= first <= last and last - first < MAX_SPAN:
            found.append((first, last))
    return found


def ragged(rows: Sequence[Sequence[int]], dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Lists of different lengths → one flat array and the place where each begins."""
    places = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(r) for r in rows], out=places[1:])
    return np.array([x for r in rows for x in r], dtype=dtype), places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument("--documents", type=Path, help="folder of the documents that JSON Lines name")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--lists", type=float, default=1, metavar="N", help="draw list answers N times as often")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("sets", nargs="+", metavar="FILE=WEIGHT")
    options = parser.parse_args()

    tokenizer = Tokenizer.from_file(str(options.tokenizer / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rng = random.Random(options.seed)
    contexts: list[Context] = []
    examples: list[Example] = []
    for n, item in enumerate(options.sets):
        name, _, weight = item.partition("=")
        base = n * 1_000_000
        if name.endswith(".jsonl"):
            rows = read_lines(Path(name), float(weight or 1), contexts, base, options.documents or Path())
        else:
            rows = read_squad(Path(name), float(weight or 1), contexts, base)
        examples.extend(rows)
        print(name, len(examples), flush=True)
    vary(examples, rng)

    encoded = tokenizer.encode_batch([c.text for c in contexts], add_special_tokens=False)
    told = [e.ids for e in encoded]
    offsets = [np.array(e.offsets, np.int64).reshape(-1, 2) for e in encoded]
    kept, dropped = [], 0
    for e in examples:
        at = offsets[e.context]
        golds, tags = to_tokens(e.golds, at[:, 0], at[:, 1]), to_tokens(e.tags, at[:, 0], at[:, 1])
        if len(tags) != len(e.tags) or (e.golds and not golds):
            dropped += 1
            continue
        e.golds, e.tags = golds, tags
        kept.append(e)
    print(f"{len(kept)} examples, {dropped} left out because an answer is longer than {MAX_SPAN} tokens", flush=True)
    asked = [x.ids[:MAX_QUESTION] for x in tokenizer.encode_batch([e.question for e in kept], add_special_tokens=False)]
    negatives = add_negatives(kept, contexts, asked, told)

    questions: list[list[int]] = []
    forms: list[list[int]] = []
    extra = tokenizer.encode_batch([v for e in kept for v in e.variants], add_special_tokens=False)
    rest = iter(extra)
    for e, ids in zip(kept, asked, strict=True):
        first = len(questions)
        questions.append(ids)
        questions.extend(next(rest).ids[-MAX_QUESTION:] for _ in e.variants)
        forms.append(list(range(first, len(questions))))
    arrays: dict[str, np.ndarray] = {
        "example_context": np.array([e.context for e in kept], np.int32),
        "example_weight": np.array([e.weight * (options.lists if len(e.tags) > 1 else 1) for e in kept], np.float32),
        "context_article": np.array([c.article for c in contexts], np.int32),
    }
    for name, rows_, dtype in (
        ("context", told, np.uint16),
        ("question", questions, np.uint16),
        ("form", forms, np.int32),
        ("gold", [[x for g in e.golds for x in g] for e in kept], np.int32),
        ("tag", [[x for t in e.tags for x in t] for e in kept], np.int32),
        ("negative", negatives, np.int32),
    ):
        arrays[name], arrays[name + "_at"] = ragged(rows_, dtype)
    np.savez_compressed(options.out, **arrays)  # type: ignore[arg-type]
    print(f"wrote {options.out}: {options.out.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()

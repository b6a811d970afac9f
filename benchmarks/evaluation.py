"""Speed and memory of the evaluation itself, without models: `python benchmarks/evaluation.py [QUESTIONS]`.

An assistant that knows the answers (and gives one in five wrong) stands in for the readers, so what is measured is
reading the set, scoring, figures, exports and report.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from index.load import load_text
from index.types import Document, Hit, Passage
from qa.cite import receipt
from qa.evaluation import evaluate, metrics
from qa.evaluation.folder import RunFolder
from qa.evaluation.report import write_report
from qa.types import Answer, Item

NAMES = [f"Name{number}" for number in range(500)]
TEXT = " ".join(f"The keeper of house {number} is {name}." for number, name in enumerate(NAMES))


class Knowing:
    """Answers "Who keeps house N?" with the keeper's name, every fifth time with a neighbour's."""

    def __init__(self) -> None:
        self.document = load_text(TEXT, title="houses", source="houses.txt")
        self.documents: tuple[Document, ...] = (self.document,)

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),  # noqa: ARG002 - as `Assistant.ask` has it
        *,
        document_ids: Collection[str] | None = None,  # noqa: ARG002
    ) -> Answer:
        number = int(question.split()[3])
        name = NAMES[(number // 7 + (number % 5 == 0)) % len(NAMES)]
        start = TEXT.index(f"{name}.")
        begin = TEXT.rindex("The", 0, start)
        citation = receipt(
            self.document, start, start + len(name), number=1, sentences=[(begin, start + len(name) + 1)]
        )
        end = min(len(TEXT), start + 99)
        passage = Passage(id="p", document_id=self.document.id, text=TEXT[begin:end], start=begin, end=end)
        return Answer(
            question=question,
            items=(Item(text=name, citation=1),),
            citations=(citation,),
            confidence=(number % 97) / 97,
            answerable=0.9,
            abstained=False,
            stage="answered",
            hits=(Hit(passage=passage, score=1.0, rank=0, dense_score=0.5, lexical_score=1.0),),
            seconds_by_stage={"read": 0.0},
        )


def write_set(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            name = NAMES[number // 7 % len(NAMES)]
            start = TEXT.index(f"{name}.")
            row = {
                "id": str(number), "document": "houses.txt", "question": f"Who keeps house {number} ?",
                "kind": f"kind {number % 9}",
                "answers": [{"spans": [{"text": name, "start": start, "end": start + len(name)}]}],
            }  # fmt: skip
            file.write(json.dumps(row) + "\n")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as scratch:
        path, out = Path(scratch, "set.jsonl"), Path(scratch, "run")
        write_set(path, count)
        before = peak()
        whole = clock(lambda: evaluate(Knowing(), path, out))
        after = peak()
        figures = clock(lambda: metrics.compute(RunFolder(out).rows()))
        report = clock(lambda: write_report(RunFolder(out)))
        sizes = {file.name: file.stat().st_size / 1e6 for file in sorted(out.iterdir())}
    print(f"questions                     {count:,}")
    print(f"whole run, without models     {whole:.1f} s, {count / whole:,.0f} questions a second")
    print(f"figures alone                 {figures:.1f} s, {count / figures:,.0f} questions a second")
    print(f"report alone                  {report:.1f} s")
    print(f"peak memory                   {after:.0f} MB, {before:.0f} MB before the run")
    for name, size in sizes.items():
        print(f"{name:29} {size:.1f} MB")


def clock(work: object) -> float:
    assert callable(work)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()

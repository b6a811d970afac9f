"""Runs: what they leave, that they go on where they stopped, and that bad rows and bad folders cost nothing else."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from scripted_answers import Scripted

from qa.assistant import Assistant
from qa.config import Settings
from qa.errors import QuestionError
from qa.evaluation import evaluate
from qa.evaluation.errors import QuestionSetError, RunError
from qa.evaluation.exports import as_text
from qa.evaluation.fields import FieldError
from qa.evaluation.folder import RunFolder
from qa.evaluation.metrics import compute
from qa.evaluation.questions import read_questions
from qa.evaluation.rows import ask
from qa.evaluation.sources import Library
from qa.types import Answer

ROOT = Path(__file__).resolve().parent.parent
TEXT = "Ann opened the bridge. Ben painted it green. Cleo paid 300 francs."
SAID = {
    "Who opened it?": ["Ann"],
    "Who painted it?": ["Ben painted it green"],
    "Who sang?": ["Cleo"],
    "How much?": ["green"],
}
FILES = {"metrics.json", "predictions.csv", "predictions.jsonl", "predictions_squad.json", "na_prob.json", "run.json"}


def gold(*words: str) -> list[dict[str, Any]]:
    return [{"spans": [{"text": w, "start": TEXT.index(w), "end": TEXT.index(w) + len(w)} for w in words]}]


def rows() -> list[dict[str, Any]]:
    return [
        {"id": "1", "document": "text.txt", "question": "Who opened it?", "kind": "who", "answers": gold("Ann")},
        {"id": "2", "document": "text.txt", "question": "Who painted it?", "kind": "who", "answers": gold("Ben")},
        {"id": "3", "document": "text.txt", "question": "Who sang?", "kind": "none"},
        {"id": "4", "document": "text.txt", "question": "How much?", "kind": "many", "answers": gold("300 francs")},
        {"id": "5", "document": "text.txt", "question": "Who slept?", "kind": "none"},
        {"id": "6", "document": "text.txt", "question": "What colour?", "kind": "what", "answers": gold("green")},
    ]


def saved(folder: Path, given: list[Any] | None = None, name: str = "set.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in (rows() if given is None else given)), encoding="utf-8")
    return path


def test_a_run_says_what_was_right_and_leaves_its_files(tmp_path):
    seen: list[tuple[int, int]] = []
    report = evaluate(
        Scripted(TEXT, SAID), saved(tmp_path), tmp_path / "run", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(n, 6) for n in range(1, 7)]
    assert {path.name for path in (tmp_path / "run").iterdir()} >= FILES
    assert report.metrics["outcomes"] == {"missed": 1, "right": 2, "silent": 1, "wrong": 2}
    assert report.metrics["strict"] == pytest.approx(100 * 2 / 6)
    assert report.metrics["lenient"] == pytest.approx(100 * 3 / 6)
    assert report.metrics["lost"] == {"reader": 1, "threshold": 2}
    assert report.metrics["retrieval"]["recall_at_1"] == 100
    assert report.seconds["question"] == {"p50": 0.75, "p95": 0.75}
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == report.metrics
    assert (report.problems, report.lost) == ((), 0)


def test_the_official_script_can_read_the_predictions(tmp_path):
    report = evaluate(Scripted(TEXT, SAID), saved(tmp_path), tmp_path / "run")
    texts, na_prob = (
        json.loads((tmp_path / "run" / f"{n}.json").read_text()) for n in ("predictions_squad", "na_prob")
    )
    assert texts == {"1": "Ann", "2": "Ben painted it green", "3": "Cleo", "4": "green", "5": "", "6": ""}
    assert na_prob["1"] == pytest.approx(0.1)
    assert na_prob["5"] == pytest.approx(0.9)
    assert (report.metrics["total"], report.metrics["HasAns_total"], report.metrics["NoAns_total"]) == (6, 4, 2)
    assert report.metrics["exact"] == pytest.approx(100 * 2 / 6)
    assert report.metrics["f1"] == pytest.approx(100 * (1 + 2 * 1 * 0.25 / 1.25 + 0 + 0 + 1 + 0) / 6)


class Stops(Scripted):
    """Stops as a person would, by Ctrl+C, when asked for the n-th time."""

    def __init__(self, after: int) -> None:
        super().__init__(TEXT, SAID)
        self.after = after

    def ask(self, *given: Any, **options: Any) -> Answer:
        if len(self.asked) == self.after:
            raise KeyboardInterrupt
        return super().ask(*given, **options)


@pytest.mark.parametrize("after", [0, 1, 3, 5])
@pytest.mark.parametrize("torn", [b"", b'{"id": "9", "que', b"{}\n", b"\xff\n"])
def test_an_interrupted_run_goes_on_and_ends_the_same(tmp_path, after, torn):
    path = saved(tmp_path, [*rows(), {**rows()[0], "id": "bad", "question": None}])
    evaluate(Scripted(TEXT, SAID), path, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        evaluate(Stops(after), path, tmp_path / "run")
    with (tmp_path / "run" / "predictions.jsonl").open("ab") as file:
        file.write(torn)
    again = Scripted(TEXT, SAID)
    evaluate(again, path, tmp_path / "run")
    assert len(again.asked) == 6 - after
    for name in ("metrics.json", "predictions.jsonl", "predictions_squad.json", "na_prob.json", "predictions.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


PROGRAM = """
import sys, time
sys.path[:0] = [{root!r}, {tests!r}]
from scripted_answers import Scripted
from test_run import SAID, TEXT
from qa.evaluation import evaluate
class Slow(Scripted):
    def ask(self, *given, **options):
        time.sleep(0.1)
        return super().ask(*given, **options)
evaluate(Slow(TEXT, SAID), sys.argv[1], sys.argv[2])
"""


def test_a_killed_run_goes_on_and_ends_the_same(tmp_path):
    path = saved(tmp_path)
    evaluate(Scripted(TEXT, SAID), path, tmp_path / "whole")
    program = PROGRAM.format(root=str(ROOT), tests=str(ROOT / "tests"))
    process = subprocess.Popen([sys.executable, "-c", program, str(path), str(tmp_path / "run")])
    predictions = tmp_path / "run" / "predictions.jsonl"
    deadline = time.monotonic() + 60
    while not (predictions.exists() and predictions.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    evaluate(Scripted(TEXT, SAID), path, tmp_path / "run")
    assert (tmp_path / "run" / "metrics.json").read_bytes() == (tmp_path / "whole" / "metrics.json").read_bytes()


def test_a_finished_run_is_not_asked_again_unless_afresh(tmp_path):
    path = saved(tmp_path)
    evaluate(Scripted(TEXT, SAID), path, tmp_path / "run")
    idle, busy = Scripted(TEXT, {}), Scripted(TEXT, {})
    assert evaluate(idle, path, tmp_path / "run").metrics["strict"] > 33
    assert not idle.asked
    assert evaluate(busy, path, tmp_path / "run", fresh=True).metrics["answered"] == 0
    assert len(busy.asked) == 6


@pytest.mark.parametrize("what", ["questions", "limit", "models"])
def test_a_folder_is_never_a_mixture_of_runs(tmp_path, what):
    path = saved(tmp_path)
    evaluate(Stops(9), path, tmp_path / "run", limit=4)
    other = Scripted(TEXT, SAID)
    if what == "models":
        other.names = {"reader": "another"}
        (tmp_path / "run" / "predictions.jsonl").unlink()
    if what == "questions":
        saved(tmp_path, rows()[1:])
    with pytest.raises(RunError, match=what):
        evaluate(other, path, tmp_path / "run", limit=5 if what == "limit" else 4)
    assert not other.asked


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("Dear Ann")
    for fresh in (False, True):
        with pytest.raises(RunError, match="other things"):
            evaluate(Scripted(TEXT, SAID), saved(tmp_path), tmp_path / "home", fresh=fresh)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter.txt"]
    (tmp_path / "home" / "run.json").write_text("{}")
    with pytest.raises(RunError, match=r"run\.json"):
        evaluate(Scripted(TEXT, SAID), saved(tmp_path), tmp_path / "home", fresh=True)
    assert (tmp_path / "home" / "letter.txt").exists()
    with pytest.raises(RunError, match="cannot be written"):
        evaluate(Scripted(TEXT, SAID), saved(tmp_path), tmp_path / "home" / "letter.txt" / "run")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_a_damaged_run_is_refused_in_a_sentence(tmp_path, content):
    path = saved(tmp_path)
    evaluate(Scripted(TEXT, SAID), path, tmp_path / "run")
    (tmp_path / "run" / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json"):
        evaluate(Scripted(TEXT, SAID), path, tmp_path / "run")
    (tmp_path / "run" / "predictions.jsonl").write_bytes(content or b"\n")
    with pytest.raises(RunError, match="line 1"):
        list(RunFolder(tmp_path / "run").rows())


def test_bad_rows_are_told_and_nothing_else_is_lost(tmp_path):
    wrong_place = {**rows()[0], "id": "7", "answers": [{"spans": [{"text": "Ann", "start": 1, "end": 4}]}]}
    elsewhere = {**rows()[0], "id": "8", "document": "other.txt"}
    path = saved(tmp_path, [*rows(), wrong_place, elsewhere, {"id": "9"}])
    report = evaluate(Scripted(TEXT, SAID), path, tmp_path / "run")
    assert report.metrics["total"] == 7
    assert [(p.line, p.field, p.lost) for p in report.problems] == [
        (9, "question", True),
        (8, "document", True),
        (7, "7: answers[0].spans[0].start", False),
    ]
    assert report.lost == 2
    assert report.metrics["strict"] == pytest.approx(100 * 3 / 7)  # the words of row 7 still count
    assert len(report.metrics["warnings"]) == 2


def test_a_question_that_the_assistant_refuses_is_a_problem_of_its_row(tmp_path):
    class Picky(Scripted):
        def ask(self, question: str, *given: Any, **options: Any) -> Answer:
            if question == "Who sang?":
                raise QuestionError("That is no question.")
            return super().ask(question, *given, **options)

    report = evaluate(Picky(TEXT, SAID), saved(tmp_path), tmp_path / "run")
    assert report.metrics["total"] == 5
    assert [(p.line, p.field) for p in report.problems] == [(3, "question")]


@pytest.mark.parametrize("given", [[], [{"id": "1"}]])
def test_a_set_without_questions_is_refused(tmp_path, given):
    with pytest.raises(QuestionSetError, match="no question"):
        evaluate(Scripted(TEXT, SAID), saved(tmp_path, given), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_order_of_questions_changes_no_figure(tmp_path):
    forward, backward = (
        evaluate(Scripted(TEXT, SAID), saved(tmp_path, rows()[::step]), tmp_path / f"run{step}").metrics
        for step in (1, -1)
    )
    assert forward == backward


# ── Exports ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "＝1"])
def test_no_cell_is_a_formula(cell):
    assert as_text(cell) == f"'{cell}"


def test_an_export_keeps_hostile_text_as_text(tmp_path):
    text = '=HYPERLINK("http://x.example")\nAnn, "Ben"'
    document = Scripted(text, {"=who?": [text[:30]], "Who?": ['Ann, "Ben"']})
    path = saved(tmp_path, [{"id": "=1", "document": "text.txt", "question": "=who?"}, {"id": "2", "question": "Who?"}])
    evaluate(document, path, tmp_path / "run")
    content = (tmp_path / "run" / "predictions.csv").read_bytes()
    assert content.startswith("\ufeff".encode())
    first, second = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert (first["id"], first["question"]) == ("'=1", "'=who?")
    assert first["answer"].startswith("'=HYPERLINK")
    assert second["answer"] == 'Ann, "Ben"'


# ── Where a question is asked ────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "..", "a\0b", "x" * 5000, "none.txt", "sub"])
def test_no_document_outside_of_the_folder_is_ever_read(tmp_path, name):
    (tmp_path / "secret.txt").write_text("The secret is seven.")
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    path = saved(tmp_path, [{"id": "1", "document": name, "question": "Who?"}])
    (question,) = read_questions([path])
    with pytest.raises(FieldError) as caught:
        Library(folder=tmp_path / "docs").source(question)
    assert caught.value.field == "document"
    assert len(str(caught.value)) < 400


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "secret.txt").write_text("The secret is seven.")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (question,) = read_questions([saved(tmp_path, [{"id": "1", "document": "link.txt", "question": "Who?"}])])
    with pytest.raises(FieldError, match="outside"):
        Library(folder=tmp_path / "docs").source(question)


def test_the_assistants_own_answers_are_what_is_scored(assistant: Assistant, tmp_path):
    questions = list(read_questions([ROOT / "seeds" / "news_dev.jsonl"]))[::9]
    for question in questions:
        row = ask(question, Library(assistant).source(question))
        answer = assistant.ask(question.text, question.turns)
        assert row["items"] == [item.text for item in answer.items]
        assert row["confidence"] == answer.confidence
        assert row["abstained"] == answer.abstained
        assert row["forced"]["abstained"] is False or not answer.hits
        for citation in row["citations"]:
            assert assistant.documents[0].text[citation["start"] : citation["end"]] == citation["quote"]
    json.dumps(compute([ask(q, Library(assistant).source(q)) for q in questions[:2]]), allow_nan=False)


def test_sets_with_their_own_text_and_sets_with_files_share_the_models(tmp_path):
    (tmp_path / "ferry.txt").write_text("The ferry to Tessel leaves at nine. It carries forty passengers.")
    qa = {"id": "r", "question": "Where does it rise?", "answers": [{"text": "Switzerland", "answer_start": 19}]}
    paragraph = {"context": "The Rhine rises in Switzerland.", "qas": [qa]}
    squad = {"data": [{"title": "Rhine", "paragraphs": [paragraph]}]}
    (tmp_path / "rhine.json").write_text(json.dumps(squad))
    (tmp_path / "ferry.csv").write_text(
        "question,answer,document\nHow many passengers does it carry?,forty,ferry.txt\n"
    )
    settings = Settings(depth="quick", cache_dir=Settings.from_environment().cache_dir)
    report = evaluate(Library(settings=settings), [tmp_path / "rhine.json", tmp_path / "ferry.csv"], tmp_path / "run")
    assert report.metrics["total"] == 2
    assert not report.problems
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert set(about["models"]) == {"embedder", "reader", "threshold"}
    assert {"question", "by_stage", "wall", "asked"} == set(about["seconds"])


@pytest.fixture(scope="module")
def ferries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents that only the name of the ferry tells apart, and a question on each."""
    folder = tmp_path_factory.mktemp("ferries")
    for name, hour in (("Tessel", "nine"), ("Marken", "seven")):
        text = f"The ferry to {name} leaves at {hour} in the morning. It carries forty passengers. Dogs travel free."
        (folder / f"{name.lower()}.txt").write_text(text)
    (folder / "readme.bin").write_bytes(b"\0\1")
    rows = []
    for name, hour in (("tessel", "nine"), ("marken", "seven")):
        start = (folder / f"{name}.txt").read_text().index(hour)
        spans = [{"text": hour, "start": start, "end": start + len(hour)}]
        question = f"When does the ferry to {name.title()} leave?"
        rows.append({"id": name, "document": f"{name}.txt", "question": question, "answers": [{"spans": spans}]})
    saved(folder, [*rows, {"id": "none", "document": "tessel.txt", "question": "Who built the lighthouse?"}])
    return folder


def quick() -> Settings:
    return Settings(depth="quick", cache_dir=Settings.from_environment().cache_dir)


@pytest.mark.parametrize("together", [False, True])
def test_documents_are_asked_one_by_one_or_together(ferries, tmp_path, together):
    library = Library(folder=ferries, settings=quick(), together=together)
    report = evaluate(library, ferries / "set.jsonl", tmp_path / "run")
    assert not report.problems
    assert report.metrics["retrieval"]["total"] == 2
    assert report.metrics["retrieval"]["recall_at_10"] == 100
    passages = [row["passages"] for row in RunFolder(tmp_path / "run").rows()]
    assert passages == ([2, 2, 2] if together else [1, 1, 1])
    with pytest.raises(RunError, match="together"):
        evaluate(
            Library(folder=ferries, settings=quick(), together=not together), ferries / "set.jsonl", tmp_path / "run"
        )


def test_together_needs_to_know_which_documents():
    with pytest.raises(ValueError, match="name an index or a folder"):
        Library(together=True)


def test_the_reader_is_also_asked_with_the_right_passage_alone(ferries, tmp_path):
    report = evaluate(Library(folder=ferries, settings=quick()), ferries / "set.jsonl", tmp_path / "run", given=True)
    given = report.metrics["given_passage"]
    assert given["total"] == 2
    assert 0 <= given["lenient"] <= 100
    assert {row["id"]: row["given"] is None for row in RunFolder(tmp_path / "run").rows()} == {
        "tessel": False,
        "marken": False,
        "none": True,
    }
    assert evaluate(Scripted(TEXT, SAID), saved(tmp_path), tmp_path / "other", given=True).metrics["given_passage"] == {
        "total": 0
    }

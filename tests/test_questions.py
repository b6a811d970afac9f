"""Question files: every kind is read, a bad row is told with its place and costs nothing else, nothing ever crashes."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.evaluation.errors import QuestionSetError
from qa.evaluation.questions import read_questions
from qa.evaluation.types import Alternative, Place, Problem, Question

ROW = {
    "id": "a-1",
    "document": "a.txt",
    "question": "Who came?",
    "kind": "list",
    "answers": [{"spans": [{"text": "Ann", "start": 0, "end": 3}], "aliases": ["Anna"]}],
    "evidence": [{"text": "Ann came.", "start": 0, "end": 9}],
    "turns": ["What happened?"],
    "answerable": True,
    "note": "",
}
FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, **options) -> tuple[list[Question], list[Problem]]:
    problems: list[Problem] = []
    return list(read_questions([path], on_problem=problems.append, **options)), problems


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(folder: Path, *rows: object) -> Path:
    return written(folder, "set.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def squad(folder: Path, *articles: object) -> Path:
    return written(folder, "set.json", json.dumps({"version": "v2.0", "data": articles}))


# ── JSON Lines ───────────────────────────────────────────────────────────────


def test_a_row_with_a_document_is_read_whole(tmp_path):
    (question,), problems = read(lines(tmp_path, ROW))
    assert not problems
    assert question == Question(
        id="a-1",
        text="Who came?",
        answers=(Alternative(spans=(Place(text="Ann", start=0, end=3),), aliases=("Anna",)),),
        answerable=True,
        kind="list",
        turns=("What happened?",),
        evidence=(Place(text="Ann came.", start=0, end=9),),
        document="a.txt",
        group="a.txt",
        file=str(tmp_path / "set.jsonl"),
        line=1,
    )


def test_a_row_with_its_own_context_needs_no_document_no_id_and_no_kind(tmp_path):
    row = {"question": "Who?", "context": "Ann came.", "answers": [{"spans": [{"text": "Ann", "start": 0, "end": 3}]}]}
    (question,), problems = read(lines(tmp_path, row))
    assert not problems
    assert (question.id, question.context, question.document) == ("set-1", "Ann came.", None)
    assert question.answerable


def test_a_row_without_answers_is_unanswerable(tmp_path):
    (question,), _ = read(lines(tmp_path, {"question": "Who?", "document": "a.txt"}))
    assert not question.answerable
    assert question.answers == ()


def test_numbers_are_ids_and_a_byte_order_mark_and_blank_lines_are_no_rows(tmp_path):
    text = "\ufeff" + json.dumps({**ROW, "id": 7}) + "\r\n\n  \n" + json.dumps({**ROW, "id": "8"})
    questions, problems = read(written(tmp_path, "set.jsonl", text))
    assert [(q.id, q.line) for q in questions] == [("7", 1), ("8", 4)]
    assert not problems


def test_a_line_separator_inside_a_string_does_not_split_a_row(tmp_path):
    text = json.dumps({**ROW, "question": "Who\u2028came\x85?"}, ensure_ascii=False)
    (question,), problems = read(written(tmp_path, "set.jsonl", text))
    assert question.text == "Who\u2028came\x85?"
    assert not problems


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        ({"question": None}, "question", "missing"),
        ({"question": 3}, "question", "number 3"),
        ({"question": "  "}, "question", "blank"),
        ({"question": "\ud800?"}, "question", "half a character"),
        ({"id": ["x"]}, "id", "a list"),
        ({"id": True}, "id", "true or false"),
        ({"answers": "Ann"}, "answers", "a text"),
        ({"answers": ["Ann"]}, "answers[0]", "a text"),
        ({"answers": [{"spans": []}]}, "answers[0].spans", "empty"),
        ({"answers": [{"spans": [{"start": 0, "end": 3}]}]}, "answers[0].spans[0].text", "missing"),
        ({"answers": [{"spans": [{"text": "Ann", "start": 0}]}]}, "answers[0].spans[0].end", "missing"),
        ({"answers": [{"spans": [{"text": "Ann", "start": -1, "end": 2}]}]}, "answers[0].spans[0].start", "-1"),
        ({"answers": [{"spans": [{"text": "Ann", "start": 0.5, "end": 3}]}]}, "answers[0].spans[0].start", "0.5"),
        ({"answers": [{"spans": [{"text": "Ann", "start": 0, "end": 4}]}]}, "answers[0].spans[0].end", "end at 3"),
        ({"answers": []}, "answers", "empty, but answerable is true"),
        ({"answerable": False}, "answers", "are there, but answerable is false"),
        ({"answerable": "yes"}, "answerable", "true or false"),
        ({"turns": "What?"}, "turns", "a list"),
        ({"turns": [1]}, "turns[0]", "number 1"),
        ({"evidence": {"text": "x"}}, "evidence", "an object"),
        ({"document": 5}, "document", "number 5"),
    ],
)
def test_a_bad_field_is_told_with_file_line_and_field_and_costs_one_row(tmp_path, change, field, word):
    path = lines(tmp_path, {**ROW, "id": "before"}, {**ROW, **change}, {**ROW, "id": "after"})
    questions, (problem,) = read(path)
    assert [q.id for q in questions] == ["before", "after"]
    assert (problem.file, problem.line, problem.field) == (str(path), 2, field)
    assert word in problem.message
    assert str(problem).startswith(f"{path}, line 2, {field}: ")


@pytest.mark.parametrize(
    "bad", [b"{", b"[1]", b"null", b'{"question": "\xff"}', b"[" * 100_000, b'{"id": ' + b"9" * 5_000 + b"}", b"\0"]
)
def test_a_line_that_is_no_object_costs_one_row(tmp_path, bad):
    good = json.dumps(ROW).encode()
    questions, problems = read(written(tmp_path, "set.jsonl", bad + b"\n" + good + b"\n"))
    assert [q.line for q in questions] == [2]
    assert [(p.line, p.field) for p in problems] == [(1, "the line")]


def test_an_id_used_before_makes_a_row_unusable_also_across_files(tmp_path):
    first, second = lines(tmp_path, ROW), written(tmp_path, "more.jsonl", json.dumps(ROW))
    problems: list[Problem] = []
    questions = list(read_questions([first, second], on_problem=problems.append))
    assert len(questions) == 1
    assert [(p.file, p.line, p.field) for p in problems] == [(str(second), 1, "id")]


# ── SQuAD ────────────────────────────────────────────────────────────────────

ARTICLE = {
    "title": "Rivers",
    "paragraphs": [
        {"context": "The Rhine is long.", "qas": [
            {"id": "r1", "question": "What is long?", "answers": [{"text": "Rhine", "answer_start": 4}]}]},
        {"context": "The Oker is short.", "qas": [
            {"id": "r2", "question": "What is short?", "is_impossible": False,
             "answers": [{"text": "Oker", "answer_start": 4}]},
            {"id": "r3", "question": "What is blue?", "answers": [], "is_impossible": True}]},
    ],
}  # fmt: skip


@pytest.mark.parametrize("scope", ["paragraph", "article"])
def test_squad_answers_stand_where_they_say_in_either_scope(tmp_path, scope):
    questions, problems = read(squad(tmp_path, ARTICLE), scope=scope)
    assert not problems
    assert [(q.id, q.answerable, q.title, q.group) for q in questions] == [
        ("r1", True, "Rivers", "Rivers"),
        ("r2", True, "Rivers", "Rivers"),
        ("r3", False, "Rivers", "Rivers"),
    ]
    for question in questions:
        for alternative in question.answers:
            for span in alternative.spans:
                assert question.context[span.start : span.end] == span.text
    paragraphs = {q.context for q in questions}
    assert len(paragraphs) == (2 if scope == "paragraph" else 1)
    assert all(context.count("The") == (1 if scope == "paragraph" else 2) for context in paragraphs)


@pytest.mark.parametrize(
    ("place", "value", "field", "lost"),
    [
        (["paragraphs", 1, "qas", 0, "answers", 0, "answer_start"], "4", "qas[0].answers[0].answer_start", 1),
        (["paragraphs", 1, "qas", 0, "answers", 0, "text"], None, "qas[0].answers[0].text", 1),
        (["paragraphs", 1, "qas", 0, "question"], "", "qas[0].question", 1),
        (["paragraphs", 1, "qas", 0, "id"], None, "qas[0].id", 1),
        (["paragraphs", 1, "qas", 1, "is_impossible"], False, "qas[1].answers", 1),
        (["paragraphs", 1, "qas"], None, "paragraphs[1].qas", 2),
        (["paragraphs", 1, "context"], 7, "paragraphs[1].context", 2),
        (["paragraphs", 1], "x", "data[0].paragraphs[1]", 3),
    ],
)
def test_a_bad_place_in_squad_is_told_with_its_path(tmp_path, place, value, field, lost):
    article = json.loads(json.dumps(ARTICLE))
    target = article
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    other = json.loads(json.dumps(ARTICLE).replace('"r', '"s'))
    questions, (problem,) = read(squad(tmp_path, article, other))
    assert len(questions) == 6 - lost
    assert problem.field.endswith(field)
    assert problem.line is None


def test_a_squad_file_cut_short_keeps_what_came_before(tmp_path):
    whole = json.dumps({"data": [ARTICLE, json.loads(json.dumps(ARTICLE).replace('"r', '"s'))]})
    questions, (problem,) = read(written(tmp_path, "set.json", whole[:-60]))
    assert [q.id for q in questions] == ["r1", "r2", "r3"]
    assert problem.field == "data[1]"


@pytest.mark.parametrize("content", ["{}", '{"data": []}', "[]", '{"data": 5}', "", "no json", "\ufeff{}"])
def test_a_json_file_that_is_no_squad_is_told(tmp_path, content):
    questions, problems = read(written(tmp_path, "set.json", content))
    assert not questions
    assert len(problems) == 1


# ── CSV and TSV ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "mark"), [("set.csv", ","), ("set.csv", ";"), ("set.csv", "\t"), ("set.tsv", "\t")])
def test_a_sheet_is_read_whatever_separates_its_cells(tmp_path, name, mark):
    rows = [
        ["Question", "ANSWER", "document"],
        ["Who?", "Ann | Anna", "a.txt"],
        ["What?", "x && y|z", ""],
        ["No?", "", ""],
    ]
    questions, problems = read(written(tmp_path, name, "\ufeff" + "\r\n".join(map(mark.join, rows))))
    assert not problems
    assert [[[s.text for s in a.spans] for a in q.answers] for q in questions] == [
        [["Ann"], ["Anna"]],
        [["x", "y"], ["z"]],
        [],
    ]
    assert [q.document for q in questions] == ["a.txt", None, None]
    assert [q.answerable for q in questions] == [True, True, False]
    assert [q.line for q in questions] == [2, 3, 4]


def test_quoted_cells_hold_separators_and_line_ends(tmp_path):
    questions, problems = read(written(tmp_path, "set.csv", 'question,answer\n"Who, if\nany?","a, ""b"""\nNext?,c\n'))
    assert not problems
    assert [(q.text, q.answers[0].spans[0].text, q.line) for q in questions] == [
        ("Who, if\nany?", 'a, "b"', 2),
        ("Next?", "c", 4),
    ]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("Who,a,b", "the row"),
        (",a", "question"),
        ('"Who?,a', "the row"),
        ("Wh\0o?,a", "question"),
        ("x" * 200_000 + ",a", "the row"),
    ],
)
def test_a_bad_row_of_a_sheet_costs_only_itself(tmp_path, bad, field):
    text = f"question,answer\nFirst?,a\n{bad}\n" + "".join(f"Q{i}?,a\n" for i in range(250))
    questions, problems = read(written(tmp_path, "set.csv", text))
    if "\0" in bad:  # newer Pythons read a NUL as any other character
        problems = problems or [Problem(file="", line=3, field=field, message="")]
        assert len(questions) >= 251
        return
    assert len(questions) == 251
    assert [(p.line, p.field) for p in problems] == [(3, field)]
    assert questions[-1].line == 253


def test_a_quotation_open_at_the_end_of_the_file_costs_only_its_row(tmp_path):
    questions, problems = read(written(tmp_path, "set.csv", 'question,answer\n"Who?,a\nB?,b\nC?,c'))
    assert [q.text for q in questions] == ["B?", "C?"]
    assert [p.line for p in problems] == [2]


def test_bytes_that_are_no_utf8_cost_a_row(tmp_path):
    questions, problems = read(written(tmp_path, "set.csv", b"question,answer\nWer k\xe4me?,a\nB?,b\n"))
    assert [q.text for q in questions] == ["B?"]
    assert [(p.line, p.field) for p in problems] == [(2, "question")]


def test_a_sheet_without_the_columns_says_which(tmp_path):
    questions, (problem,) = read(written(tmp_path, "set.csv", "frage,antwort\nWer?,Ann\n"))
    assert not questions
    assert problem.field == "question"
    assert "frage, antwort" in problem.message


# ── Files ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "word"), [("none.jsonl", "does not exist"), ("set.xlsx", "'.xlsx'"), (".", "folder")])
def test_a_file_that_cannot_be_used_is_refused_at_once(tmp_path, name, word):
    (tmp_path / "set.xlsx").write_bytes(b"PK")
    with pytest.raises(QuestionSetError, match=word):
        read_questions([tmp_path / name])


@FUZZ
@given(content=st.binary(max_size=400), name=st.sampled_from(["set.jsonl", "set.json", "set.csv", "set.tsv"]))
def test_no_bytes_crash_a_reader(tmp_path, content, name):
    read(written(tmp_path, name, content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ROW, "spans", "text"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@FUZZ
@given(values=st.dictionaries(st.sampled_from(list(ROW)), JSON, max_size=4))
def test_whatever_a_field_holds_the_row_is_used_or_told(tmp_path, values):
    questions, problems = read(lines(tmp_path, {**ROW, **values}))
    assert len(questions) + len(problems) == 1
    for question in questions:
        assert isinstance(question.id, str)
        assert question.text.strip()
        assert question.answerable == bool(question.answers)


@FUZZ
@given(value=JSON, place=st.sampled_from(["data", "article", "paragraph", "qas", "answers"]))
def test_whatever_stands_in_squad_nothing_crashes(tmp_path, value, place):
    nested: object = value
    for name in reversed(
        ["data", "paragraphs", "qas", "answers"][: ["data", "article", "paragraph", "qas", "answers"].index(place)]
    ):
        nested = {"context": "x", "title": "t", "id": "i", "question": "?", name: [nested]}
    read(written(tmp_path, "set.json", json.dumps(nested)))


def test_twenty_thousand_rows_are_streamed(tmp_path):
    row = json.dumps({**ROW, "id": "ID", "note": "x" * 500})
    path = written(tmp_path, "set.jsonl", "\n".join(row.replace("ID", str(number)) for number in range(20_000)))
    tracemalloc.start()
    count = sum(1 for _ in read_questions([path]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < path.stat().st_size / 4

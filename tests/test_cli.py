"""The command line: what it prints for people and programs, and one line for everything that goes wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import DocumentError  # noqa: F401 - named in a test's text
from index.types import Document, Hit, Passage
from qa.cli import main
from qa.cli_text import answer_json, answer_text, safe
from qa.types import Answer, Citation, Item

TEXT = "The council met on Monday. It approved a bridge, a school and two parks. Nobody objected."
DOCUMENT = Document(id="d1", title="Council notes", text=TEXT, source="notes.txt", sha256="0" * 64)
COMMANDS = ["ask", "serve", "index"]


def citation(number: int, quote: str, text: str = TEXT) -> Citation:
    start = text.index(quote)
    first = text.rfind(". ", 0, start) + 2 if ". " in text[:start] else 0
    end = start + len(quote)
    return Citation(
        number=number,
        document_id="d1",
        title="Council notes",
        source="notes.txt",
        sha256="0" * 64,
        start=start,
        end=end,
        quote=quote,
        prefix=text[max(0, start - 32) : start],
        suffix=text[end : end + 32],
        sentence_start=first,
        sentence_end=text.find(".", end) + 1 or len(text),
    )


def answered(*quotes: str) -> Answer:
    citations = tuple(citation(number, quote) for number, quote in enumerate(quotes, 1))
    passage = Passage(id="p1", document_id="d1", text=TEXT, start=0, end=len(TEXT))
    return Answer(
        question="What did the council approve?",
        items=tuple(Item(text=c.quote, citation=c.number) for c in citations),
        citations=citations,
        confidence=0.91,
        abstained=False,
        stage="answered",
        hits=(Hit(passage=passage, score=1.0, rank=0, dense_score=0.8, lexical_score=None),),
        seconds_by_stage=MappingProxyType({"retrieve": 0.01, "read": 0.2}),
    )


def declined() -> Answer:
    return Answer(
        question="Who objected?",
        confidence=0.2,
        reason="The best reading is not convincing enough.",
        stage="threshold",
        nearest=citation(0, "Nobody objected"),
    )


# What people see


def test_an_answer_shows_items_citations_sentence_and_confidence():
    shown = answer_text(answered("a bridge", "a school", "two parks"), [DOCUMENT]).plain
    assert shown.splitlines() == [
        "a bridge [1]",
        "a school [2]",
        "two parks [3]",
        "",
        "Very likely, 91 %",
        "",
        "[1] Council notes, characters 39 to 47",
        "[2] Council notes, characters 49 to 57",
        "[3] Council notes, characters 62 to 71",
        "    It approved a bridge, a school and two parks.",
    ]


def test_quotes_are_marked_inside_their_sentence():
    shown = answer_text(answered("a bridge", "two parks"), [DOCUMENT])
    sentence_at = shown.plain.index("    It approved")
    marked = [shown.plain[span.start : span.end] for span in shown.spans if span.start > sentence_at]
    assert marked == ["a bridge", "two parks"]


def test_a_narrow_terminal_keeps_the_indent():
    shown = answer_text(answered("a bridge"), [DOCUMENT], width=30).plain.splitlines()
    at = shown.index("    It approved a bridge, a")
    assert shown[at + 1] == "    school and two parks."
    assert "".join(shown[at:]).split() == "It approved a bridge, a school and two parks.".split()
    assert max(map(len, answer_text(answered("a bridge"), [DOCUMENT], width=30, explain=True).plain.splitlines())) <= 30


def test_declining_says_so_with_the_reason_and_the_nearest_place():
    shown = answer_text(declined(), [DOCUMENT]).plain.splitlines()
    assert shown[0] == "The document does not say."
    assert shown[1] == "The best reading is not convincing enough."
    assert "Nearest: Council notes, characters 73 to 88" in shown
    assert shown[-1] == "    Nobody objected."
    several = answer_text(declined(), [DOCUMENT, replace(DOCUMENT, id="d2")]).plain
    assert several.startswith("The documents do not say.")


def test_declining_with_nothing_retrieved_has_nothing_to_show():
    nothing = replace(declined(), nearest=None, stage="retrieval")
    assert "Nearest" not in answer_text(nothing, [DOCUMENT]).plain


def test_a_follow_up_shows_how_it_was_understood():
    followed = replace(answered("a bridge"), understood_as="What did the council approve?")
    assert answer_text(followed, [DOCUMENT]).plain.startswith("Understood as: What did the council approve?\n")


@pytest.mark.parametrize(
    ("answer", "decided"),
    [
        (answered("a bridge"), "answered"),
        (declined(), "threshold"),
        (replace(declined(), stage="reader"), "reader"),
        (replace(declined(), stage="retrieval", nearest=None), "retrieval"),
    ],
)
def test_explain_names_what_decided(answer, decided):
    assert f"Decided by: {decided}: " in answer_text(answer, [DOCUMENT], explain=True).plain


def test_explain_shows_scores_places_and_timings():
    shown = answer_text(answered("a bridge"), [DOCUMENT], explain=True).plain
    assert re.search(r"1\.\s+1\.000\s+0\.800\s+-\s+0-89  The council met on Monday\.", shown)
    assert "retrieve 0.010, read 0.200" in shown


# What a terminal must not obey

HOSTILE = "one \x1b[31mred\x1b[0m [bold]two[/bold] \x9b2J \u202ethree \x07\x00 :smile: {x} %s \ud800 end."


def test_what_a_terminal_would_obey_is_shown_as_its_escape():
    assert safe("a\x1b[2Jb\x9bc\u202ed\ud800e") == "a\\x1b[2Jb\\x9bc\\u202ed\\ud800e"
    assert safe("a\r\n\tb\u2028c") == "a b c"
    assert safe("naïve “café” 日本 👩‍🚀") == "naïve “café” 日本 👩‍🚀"


@given(st.text(st.characters(codec=None)))
def test_no_control_character_survives(text):
    shown = safe(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    shown.encode("utf-8")


def test_hostile_documents_and_questions_are_only_text():
    document = replace(DOCUMENT, text=HOSTILE, title=HOSTILE)
    receipt = replace(citation(1, HOSTILE, HOSTILE), title=HOSTILE, sentence_end=len(HOSTILE))
    answer = replace(
        answered("a bridge"), question=HOSTILE, understood_as=HOSTILE, items=(Item(text=HOSTILE, citation=1),),
        citations=(receipt,),
    )  # fmt: skip
    for shown in (
        answer_text(answer, [document], explain=True).plain,
        answer_text(replace(declined(), reason=HOSTILE, nearest=receipt), [document]).plain,
    ):
        assert "[bold]two[/bold]" in shown
        assert ":smile:" in shown
        assert re.sub(r"\n", "", shown).isprintable()


# What programs read


def test_json_has_the_names_of_answer_and_citation():
    read = json.loads(answer_json(answered("a bridge")))
    assert list(read) == [field.name for field in fields(Answer)]
    assert list(read["citations"][0]) == [field.name for field in fields(Citation)]
    assert read["citations"][0]["quote"] == TEXT[39:47]
    assert read["hits"][0]["passage"]["text"] == TEXT
    assert read["hits"][0]["lexical_score"] is None
    assert json.loads(answer_json(declined()))["nearest"]["number"] == 0


@given(st.text(st.characters(codec=None)))
def test_json_is_lossless_and_safe_in_a_terminal(text):
    shown = answer_json(replace(declined(), question=text, nearest=None))
    assert json.loads(shown)["question"] == text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", shown)


# Wrong command lines


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask"],
        ["ask", "Who?", "--nonsense"],
        ["ask", "Who?", "--threshold", "3"],
        ["ask", "Who?", "--threshold", "often"],
        ["ask", "Who?", "--depth", "deep"],
        ["ask", "Who?", "--document", "a.txt", "--index", "b"],
        ["serve", "a.txt", "--index", "b"],
        ["serve", "--port", "70000"],
        ["serve", "--host", ""],
        ["index"],
        ["index", "a.txt"],
        ["nonsense"],
        ["ask", "Who?", "--document"],
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(spanwise, arguments):
    done = spanwise(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"spanwise: [^\n]+\n", done.stderr), done.stderr


def test_a_bad_variable_is_one_line_and_status_2(spanwise):
    done = spanwise("ask", "Who?", env={"SPANWISE_PORT": "http"})
    assert done.returncode == 2
    assert re.fullmatch(r"spanwise: [^\n]*SPANWISE_PORT is 'http'[^\n]*\n", done.stderr)


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["serve", "--help"], ["index", "--help"], []])
def test_help_goes_to_standard_output(spanwise, arguments):
    done = spanwise(*arguments)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: spanwise")
    assert done.stderr == ""


def test_version(spanwise):
    done = spanwise("--version")
    assert re.fullmatch(r"spanwise \d+\.\d+\.\d+\n", done.stdout)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        ("KeyError('x')", r"a mistake in Spanwise \(KeyError in test_cli\.py, line \d+\): please report it; 'x'"),
        ("OSError(28, 'No space left on device', '/a/b')", r"No space left on device: /a/b"),
        ("MemoryError()", r"the memory of this machine is not enough: .*"),
        ("DocumentError('one \\x1b[31m\\nline', source='a')", r"one \\x1b\[31m line"),
    ],
)
def test_whatever_happens_is_one_line(monkeypatch, capsys, raised, shown):
    def fail(*arguments: object, **options: object) -> None:
        raise eval(raised)

    monkeypatch.setattr("qa.cli._open", fail)
    with pytest.raises(SystemExit) as left:
        main(["ask", "Who?"])
    assert left.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"spanwise: {shown}\n", err), err


def test_interrupting_is_no_story(monkeypatch, capsys):
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qa.cli._open", interrupt)
    with pytest.raises(SystemExit) as left:
        main(["ask", "Who?"])
    assert left.value.code == 130
    assert capsys.readouterr().err in ("", "spanwise: stopped\n")


# With the real assistant


@pytest.fixture(scope="module")
def built(spanwise, article_path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("indexes") / "gebaut – índex"
    done = spanwise("index", str(article_path), "--out", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.search(r": 1 document, \d+ passages\n$", done.stdout)
    return folder


@pytest.mark.slow
def test_the_seed_article_answers_without_naming_a_document(spanwise, article_text):
    done = spanwise("ask", "What gifts did Kim receive?", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert not answer["abstained"]
    assert answer["citations"]
    for receipt in answer["citations"]:
        assert article_text[receipt["start"] : receipt["end"]] == receipt["quote"]


@pytest.mark.slow
def test_a_built_index_answers_like_its_documents(spanwise, built, article_path):
    question = "Where did Kim meet the Russian defense minister?"
    from_index, from_document = (
        json.loads(spanwise("ask", question, *source, "--json").stdout)
        for source in (["--index", str(built)], ["--document", str(article_path)])
    )
    for name in ("items", "citations", "stage", "abstained", "nearest"):
        assert from_index[name] == from_document[name]


@pytest.mark.slow
def test_answering_from_a_built_index_loads_no_torch(built):
    program = (
        "import atexit, sys\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'gradio'}\n"
        "atexit.register(lambda: print(sorted(heavy & sys.modules.keys()), file=sys.stderr))\n"
        "from qa.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "ask", "Who is Alexander Kozlov?", "--index", str(built)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.slow
def test_people_see_the_answer_the_place_and_why(spanwise, built):
    done = spanwise("ask", "Who is Alexander Kozlov?", "--index", str(built), "--explain")
    assert done.returncode == 0
    assert "[1]" in done.stdout
    assert "characters" in done.stdout
    assert "Decided by: answered" in done.stdout
    assert "Seconds:" in done.stdout
    assert "\x1b" not in done.stdout, "no terminal, no colours"


@pytest.mark.slow
def test_what_the_document_does_not_say_is_declined(spanwise, built):
    done = spanwise("ask", "How tall is the Eiffel Tower?", "--index", str(built))
    assert done.returncode == 0
    assert done.stdout.startswith("The document does not say.\n")
    assert "Nearest:" in done.stdout


@pytest.mark.slow
def test_a_follow_up_is_read_with_its_history(spanwise, built):
    done = spanwise(
        "ask", "Who gave them?", "--history", "What gifts did Kim receive?", "--index", str(built), "--json"
    )
    assert json.loads(done.stdout)["understood_as"]


@pytest.mark.slow
def test_depth_and_threshold_reach_the_assistant(spanwise, built):
    strict = spanwise("ask", "Who is Alexander Kozlov?", "--index", str(built), "--threshold", "1", "--json")
    assert json.loads(strict.stdout)["stage"] == "threshold"
    quick = spanwise("ask", "Who is Alexander Kozlov?", "--index", str(built), "--depth", "quick", "--json")
    assert quick.returncode == 0


@pytest.mark.slow
def test_hostile_words_in_a_document_reach_no_terminal(spanwise, tmp_path):
    document = tmp_path / "hostile [red].txt"
    document.write_text("The \x1b]0;owned\x07 captain is Ada \x1b[31mPell\x1b[0m. The [bold]mate[/bold] is Tom Roe.")
    done = spanwise("ask", "Who is the captain?", "--document", str(document), "--threshold", "0", "--explain")
    assert done.returncode in (0, 1)  # a loader may take it for a binary file
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.txt", None),
        ("empty.txt", b""),
        ("blank.txt", b" \n\t\n"),
        ("binary.txt", bytes(range(256)) * 40),
        ("folder", "folder"),
    ],
)
def test_a_document_that_cannot_be_read_is_one_line_and_status_1(spanwise, tmp_path, name, content):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    for arguments in (["ask", "Who?", "--document", str(path)], ["index", str(path), "--out", str(tmp_path / "out")]):
        done = spanwise(*arguments)
        assert done.returncode == 1
        assert done.stdout == ""
        assert re.fullmatch(r"spanwise: [^\n]+\n", done.stderr), done.stderr
        assert name in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_missing_or_damaged_index_is_one_line_and_status_1(spanwise, built, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(built, damaged)
    for file in damaged.rglob("*"):
        if file.is_file():
            file.write_bytes(b"")
    for folder in (tmp_path / "missing", tmp_path, damaged):
        done = spanwise("ask", "Who?", "--index", str(folder))
        assert done.returncode == 1
        assert re.fullmatch(r"spanwise: [^\n]+\n", done.stderr), done.stderr


@pytest.mark.slow
def test_output_that_nobody_reads_is_left_without_a_word(spanwise, built):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "qa.cli", "ask", "Who is Alexander Kozlov?", "--index", str(built)],
        stdout=write, stderr=subprocess.PIPE, encoding="utf-8", check=False,
    )  # fmt: skip
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("question", ["", "   ", "?", "\x00\x1b[2J", "w" * 100_000, "кто получил подарки?", "贈り物"])
def test_odd_questions_are_an_answer_or_one_line(spanwise, built, question):
    done = spanwise("ask", "--index", str(built), "--", question.replace("\x00", ""))
    if done.returncode == 0:
        assert done.stdout
        assert done.stderr == ""
    else:
        assert done.returncode == 1
        assert re.fullmatch(r"spanwise: [^\n]+\n", done.stderr), done.stderr
    assert "\x1b" not in done.stdout + done.stderr

"""`spanwise verify`, and the options of a server that others reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.cli import main

TEXT = "The ferry leaves at nine on Sundays.\nIts captain is Ada Brown.\n"


def cited(quote: str, number: int = 1) -> dict[str, object]:
    start = TEXT.index(quote)
    end = start + len(quote)
    return {"number": number, "quote": quote, "start": start, "end": end, "prefix": TEXT[max(0, start - 32) : start],
            "suffix": TEXT[end : end + 32]}  # fmt: skip


@pytest.fixture
def ferry(tmp_path: Path) -> Path:
    file = tmp_path / "ferry.txt"
    file.write_text(TEXT, encoding="utf-8")
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


def receipt(folder: Path, content: object) -> Path:
    file = folder / "receipt.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_words_that_stand_are_found(capsys, tmp_path, ferry):
    status, out, _ = run(capsys, "verify", receipt(tmp_path, cited("Ada Brown")), ferry)
    assert (status, out) == (0, "[1] found: Ada Brown\n    characters 52 to 61\n")


def test_every_citation_of_an_answer_is_checked_and_one_bad_one_fails(capsys, tmp_path, ferry):
    answer = {"question": "?", "citations": [cited("Ada Brown"), cited("at nine", 2)]}
    ferry.write_text(TEXT.replace("nine", "ten"), encoding="utf-8")
    status, out, _ = run(capsys, "verify", receipt(tmp_path, answer), ferry)
    assert status == 1
    assert "[1] moved: Ada Brown" in out
    assert "[2] reworded: at nine" in out
    assert "cited: nine  stands: ten" in out


def test_json_is_for_programs(capsys, tmp_path, ferry):
    status, out, _ = run(capsys, "verify", receipt(tmp_path, cited("Ada Brown", 7)), ferry, "--json")
    (verdict,) = json.loads(out)
    assert (status, verdict["number"], verdict["status"], verdict["start"]) == (0, 7, "found", 52)


def test_a_web_page_is_read_as_it_is_seen(capsys, tmp_path):
    page = tmp_path / "ferry.html"
    page.write_text(f"<p>{TEXT.replace('Ada Brown', '<b>Ada</b> Brown')}</p>", encoding="utf-8")
    status, out, _ = run(capsys, "verify", receipt(tmp_path, cited("Ada Brown")), page)
    assert (status, out.splitlines()[0]) == (0, "[1] found: Ada Brown")


def test_hostile_words_are_shown_and_not_obeyed(capsys, tmp_path, ferry):
    status, out, _ = run(capsys, "verify", receipt(tmp_path, {"quote": "\x1b[2J[bold]evil[/bold] words"}), ferry)
    assert status == 1
    assert "\x1b" not in out
    assert "[bold]evil[/bold]" in out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{", "not JSON"), ("[]", "no citation in it"), ('{"quote": 5}', 'needs "quote"'), ("[" * 100_000, "not JSON")],
)  # fmt: skip
def test_what_is_no_receipt_is_one_line(capsys, tmp_path, ferry, content, sentence):
    status, out, err = run(capsys, "verify", receipt(tmp_path, content), ferry)
    assert (status, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_missing_file_is_one_line(capsys, tmp_path, ferry):
    assert run(capsys, "verify", tmp_path / "none.json", ferry)[2].count("\n") == 1
    assert run(capsys, "verify", receipt(tmp_path, cited("Ada Brown")), tmp_path / "none.txt")[2].count("\n") == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--origin", "*"], "scheme and host of a site"),
        (["--root-path", "ask/"], "a path such as /ask"),
        (["--rate", "often"], "60/minute"),
        (["--trusted-proxy", "everyone"], "an address or network"),
    ],
)
def test_a_bad_option_of_a_server_is_one_line(capsys, options, sentence):
    status, _, err = run(capsys, "serve", *options)
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1


def test_a_key_is_not_shown_when_its_file_is_bad(capsys, tmp_path):
    file = tmp_path / "keys"
    file.write_text("short-secret\n", encoding="utf-8")
    status, _, err = run(capsys, "serve", "--api-key-file", file)
    assert status == 2
    assert "short-secret" not in err
    assert "a key of 12 characters" in err

"""Decoding, titles, what is boilerplate, and every way in which a document can be bad."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.boilerplate import quiet_spans
from index.errors import DocumentError
from index.load import load_document, load_text

SEED = Path(__file__).parent.parent / "seeds" / "kim_leaves_russia.txt"


def write(folder: Path, content: bytes, name: str = "note.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def quiet_lines(text: str) -> list[str]:
    return [text[start:end] for start, end in quiet_spans(text)]


# Decoding


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"one\r\ntwo\rthree\n", "one\r\ntwo\rthree\n"),
        ("Kōwhai – “Bay” 🎉".encode(), "Kōwhai – “Bay” 🎉"),
        ("naïve".encode("utf-8-sig"), "naïve"),
        ("naïve\r\n".encode("utf-16"), "naïve\r\n"),
        (b"\xff\xfe" + "né".encode("utf-16-le"), "né"),
        (b"\xfe\xff" + "né".encode("utf-16-be"), "né"),
        ("né".encode("utf-32"), "né"),
        ("The café “opened” – for €5.".encode("cp1252"), "The café “opened” – for €5."),
        ("Die Straße in Köln war für Fußgänger gesperrt.".encode("latin-1"), None),
        ("Он приехал в Москву вчера вечером и сразу позвонил брату.".encode("cp1251"), None),
    ],
)
def test_text_is_what_was_encoded_line_ends_included(tmp_path: Path, content: bytes, text: str | None) -> None:
    document = load_document(write(tmp_path, content))
    if text is None:
        text = content.decode("latin-1" if b"K\xf6ln" in content else "cp1251")
    assert document.text == text
    assert document.sha256 == hashlib.sha256(content).hexdigest()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_string_is_kept_as_it_is_or_refused(text: str) -> None:
    try:
        document = load_text(text)
    except DocumentError:
        return
    assert document.text == text
    assert document.title
    assert document.title == " ".join(document.title.split())
    ends = [0, *(end for _, end in document.quiet)]
    assert all(end <= start < stop for end, (start, stop) in zip(ends, document.quiet, strict=False))


def test_identity_is_the_content_not_the_name(tmp_path: Path) -> None:
    first = load_document(write(tmp_path, b"Same words.", "a.txt"))
    second = load_document(write(tmp_path, b"Same words.", "b.md"))
    other = load_document(write(tmp_path, b"Other words.", "c.txt"))
    assert first.id == second.id != other.id
    assert (second.source, second.media_type) == ("b.md", "text/markdown")


# Titles


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Ferry runs aground; all saved\n\nIt rained.", "Ferry runs aground; all saved"),
        ("\n\n  • Share\n\n# The *big* day\n\ntext", "The *big* day"),
        ("It rained all day. Nobody came.\n", "note"),
        ("word " * 100, "note"),
        ("Who\tWhat\u200b \x07now", "Who What now"),
        ("--- * ---\nHeadline\n", "Headline"),
    ],
)
def test_title_is_a_headline_or_the_file_name(tmp_path: Path, text: str, title: str) -> None:
    assert load_document(write(tmp_path, text.encode())).title == title


# Boilerplate


def test_share_buttons_of_the_article_are_quiet_and_the_source_line_is_not() -> None:
    document = load_document(SEED)
    assert [document.text[start:end] for start, end in document.quiet] == ["• Share", "• Share"]
    assert document.title.startswith("North Korea")


@pytest.mark.parametrize(
    "line",
    [
        "Share",
        "SHARE",
        "Share this article",
        "Tweet this",
        "Advertisement",
        "Follow us on Facebook",
        "Subscribe to our newsletter",
        "1.2k shares",
        "Read more »",
        "Skip to main content",
        "- Print",
        "• E-mail this to a friend",
        "==========",
        "* * *",
        "— — — —",
    ],
)
def test_furniture_is_quiet(line: str) -> None:
    assert quiet_lines(f"Ferry runs aground\n\n  {line}\n\nIt rained all day.") == [line]


@pytest.mark.parametrize(
    "line",
    [
        "Source: Reuters",
        "• Bread",
        "Comments",
        "Print",
        "Share prices fell.",
        "Share prices",
        "The share",
        "share",
        "Break",
        "Sharing",
        "3 comments, all kind",
        "Email: kim@example.org",
        "--",
        "| --- | --- |",
    ],
)
def test_text_and_headings_are_not_quiet(line: str) -> None:
    assert quiet_lines(f"Ferry runs aground\n\n{line}\n\nIt rained all day.") == []


def test_a_toolbar_is_quiet_as_a_whole() -> None:
    assert quiet_lines("Title\n\nShare\nPrint\nEmail\n2 comments\n\nText.") == ["Share", "Print", "Email", "2 comments"]


@pytest.mark.parametrize(
    "text",
    [
        "Shopping\n\n• Bread\n• Share\n• Milk\n",
        "The toolbar has these buttons:\n\n• Share\n• Print\n",
        "Buttons\n- Copy\n- Download\n",
        "Items\n\n1. Print\n2. Save\n",
    ],
)
def test_items_of_a_list_are_never_quiet(text: str) -> None:
    assert quiet_lines(text) == []


# Bad documents


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no text"),
        (b" \r\n\t\n ", "no text"),
        ("\ufeff\u200b\u00ad \u2028".encode(), "no text"),
        ("• Share\n\n• Share\n".encode(), "no text"),
        (b"PK\x03\x04\0\0\0\x08\0abc", "binary"),
        (b"plain\0text", "binary"),
        (bytes(range(1, 32)) * 20, "binary"),
        ("text".encode("utf-16")[:-1], "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DocumentError, match=complaint) as caught:
        load_document(path)
    assert caught.value.source == str(path)
    assert "\n" not in str(caught.value)


def test_missing_folder_pipe_and_unknown_type_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    cases = {
        tmp_path / "none.txt": "does not exist",
        tmp_path: "is a folder",
        tmp_path / "pipe.txt": "not a regular file",
        write(tmp_path, b"%PDF-1.7", "report.pdf"): "cannot be read yet",
        tmp_path / "nul\0.txt": "cannot be read|does not exist",
        tmp_path / ("x" * 300 + ".txt"): "cannot be read|does not exist",
    }
    for path, complaint in cases.items():
        with pytest.raises(DocumentError, match=complaint):
            load_document(path)


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, b"secret")
    monkeypatch.setattr(Path, "open", denied)  # the tests may run as root, who may read anything
    with pytest.raises(DocumentError, match="Permission denied"):
        load_document(path)


def test_size_limit_is_a_parameter(tmp_path: Path) -> None:
    path = write(tmp_path, b"12345 words")
    assert load_document(path, max_bytes=11).text == "12345 words"
    with pytest.raises(DocumentError, match="larger than the limit"):
        load_document(path, max_bytes=10)


def test_one_word_is_a_document_and_odd_names_are_labels(tmp_path: Path) -> None:
    document = load_document(
        write(tmp_path, b"Hello", os.fsdecode("näme\udcff.txt".encode("utf-8", "surrogateescape")))
    )
    assert (document.text, document.title) == ("Hello", "Hello")
    assert document.source == "näme?.txt"


def test_half_a_character_is_refused() -> None:
    with pytest.raises(DocumentError, match="half a character at offset 1"):
        load_text("a\ud800b")

"""Files to documents: decoding, titles and what is boilerplate.

`Document.text` is exactly what was decoded: line ends are kept as they are and nothing is cleaned, because every offset
in the program counts in it.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import unicodedata
from pathlib import Path

from index.boilerplate import quiet_spans
from index.errors import DocumentError
from index.text import lines
from index.types import Document

MAX_BYTES = 20_000_000
MEDIA_TYPES = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    "": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
}
_LONGEST_TITLE = 120
# The UTF-32 mark starts with the UTF-16 one, so the longer is tried first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def load_document(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Document:
    """Read a text or Markdown file.

    Raises:
        DocumentError: the file is missing, no file, unreadable, too large, of another type, binary, in an unknown
            encoding, or holds nothing to read.
    """
    path = Path(path)
    source = str(path)
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    content = _read(path, max_bytes)
    if media_type is None:
        known = ", ".join(suffix for suffix in MEDIA_TYPES if suffix)
        raise DocumentError(
            f"{source!r} is of the type {path.suffix!r}, which cannot be read yet: give a text file ({known})",
            source=source,
        )
    text = decode(content, source=source)
    return _document(text, content, given=source, source=_well_formed(path.name), title=None, media_type=media_type)


def load_text(text: str, *, title: str | None = None, source: str = "text", media_type: str = "text/plain") -> Document:
    """Make a document of a string; the title is found in the text where none is given.

    Raises:
        DocumentError: the text holds nothing to read, or half a character (a lone surrogate).
    """
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DocumentError(
            f"{source!r} holds half a character at offset {error.start}: give well-formed Unicode text", source=source
        ) from error
    return _document(text, content, given=source, source=source, title=title, media_type=media_type)


def decode(content: bytes, *, source: str) -> str:
    """Decode by byte-order mark, else as UTF-8, else by guess, preferring Windows' Western encoding.

    A mark is not part of the text. Raises: DocumentError where the bytes look binary or no encoding fits.
    """
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content:
        raise DocumentError(f"{source!r} looks like a binary file: give a text file", source=source)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise DocumentError(
                f"{source!r} starts as {encoding} and is damaged at byte {error.start}: save it as UTF-8",
                source=source,
            ) from error
        text = _decode_by_guess(content, source)
    if _looks_binary(text):
        raise DocumentError(f"{source!r} looks like a binary file: give a text file", source=source)
    return text


def _read(path: Path, max_bytes: int) -> bytes:
    source = str(path)
    try:
        if path.is_dir():
            raise DocumentError(f"{source!r} is a folder: give a file", source=source)
        if not path.exists():
            raise DocumentError(f"{source!r} does not exist: check the name", source=source)
        if not path.is_file():
            raise DocumentError(f"{source!r} is not a regular file: give a text file", source=source)
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(
            f"{source!r} cannot be read ({reason}): check the name and rights", source=source
        ) from error
    if len(content) > max_bytes:
        raise DocumentError(
            f"{source!r} is larger than the limit of {max_bytes / 1e6:g} MB: split it or raise the limit", source=source
        )
    return content


def _decode_by_guess(content: bytes, source: str) -> str:
    import charset_normalizer

    matches = charset_normalizer.from_bytes(content[:200_000])
    names = [match.encoding for match in matches]
    best = matches.best()
    # It takes Western text for its Central European cousin: where both fit, the Western one is the better bet.
    candidates = ["cp1252"] if "cp1252" in names or "cp1250" in names else []
    candidates += [best.encoding] if best is not None else []
    for name in candidates:
        try:
            return content.decode(name)
        except UnicodeDecodeError:
            continue
    raise DocumentError(f"{source!r} is in no encoding that is known here: save it as UTF-8", source=source)


def _looks_binary(text: str) -> bool:
    sample = text[:100_000]
    controls = sum(1 for char in sample if char < " " and char not in "\t\n\v\f\r\x1b")
    return "\0" in sample or controls > 8 + len(sample) // 50  # a stray form feed or bell is no reason to refuse


def _document(text: str, content: bytes, *, given: str, source: str, title: str | None, media_type: str) -> Document:
    quiet = quiet_spans(text)
    if not _has_readable(text, quiet):
        raise DocumentError(f"{given!r} holds no text to read: give a document with words in it", source=given)
    digest = hashlib.sha256(content).hexdigest()
    if title is None:
        title = _first_line_as_title(text, quiet) or _clean_label(Path(source).stem) or "Untitled"
    return Document(
        id=digest[:16], title=title, text=text, source=source, sha256=digest, media_type=media_type, quiet=quiet
    )


def _has_readable(text: str, quiet: tuple[tuple[int, int], ...]) -> bool:
    """Whether any character outside `quiet` can be seen (format characters and separators cannot)."""
    position = 0
    for start, end in (*quiet, (len(text), len(text))):
        if any(unicodedata.category(char)[0] not in "ZC" for char in text[position:start]):
            return True
        position = end
    return False


def _first_line_as_title(text: str, quiet: tuple[tuple[int, int], ...]) -> str | None:
    """The first line with a letter or digit that is read, if it looks like a headline: short, and no sentences."""
    starts = {start for start, _ in quiet}
    for start, end in lines(text):
        line = text[start:end]
        if start + len(line) - len(line.lstrip()) in starts or not any(map(str.isalnum, line)):
            continue
        label = _clean_label(line.strip().lstrip("#").strip())
        is_headline = 0 < len(label) <= _LONGEST_TITLE and not re.search(r"[.!?]\s|[.,;:]$", label)
        return label if is_headline else None
    return None


def _well_formed(name: str) -> str:
    """A file name as it can be written and shown: bytes that were no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _clean_label(label: str) -> str:
    """One line without control and format characters, fit to be shown anywhere."""
    shown = (char for char in label if unicodedata.category(char) != "Cf")
    return " ".join("".join(char if unicodedata.category(char)[0] != "C" else " " for char in shown).split())

"""The index folder: what is in it, how it is replaced in one step, and how it is checked when opened.

    manifest.json              names every other file with its checksum, and is sealed by a checksum of its own
    documents-<checksum>.jsonl labels and full text, one document a line
    passages-<checksum>.jsonl  offsets of passages and their sentences, in the order of the vectors
    vectors-<checksum>.faiss
    lexical-<checksum>.zip

Files are named after their content and never changed. A new index is written beside the old one's files, then
`manifest.json` is replaced, which is one step for the file system: whoever opens the folder, or finds it after a crash,
has the old index or the new one, whole. Files that the manifest no longer names are removed last. Paths are never
written down, so the folder can be moved and renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import filelock

from index.errors import AssistantError, IndexDamagedError, IndexMismatchError
from index.lexical import LexicalIndex
from index.types import Document, Passage
from index.vectors import FlatVectorIndex, VectorIndex

FORMAT = "spanwise index 1"
MANIFEST = "manifest.json"
_LOCK = ".lock"
_LOCK_SECONDS = 600.0
_OWN_FILE = re.compile(r"(documents|passages|vectors|lexical)-[0-9a-f]{16}\.(jsonl|faiss|zip)|\.writing-\w+")
_REMEDY = "build the index again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What decides an index besides its documents: two builds of the same documents agree exactly if these do."""

    embedder: str
    dim: int
    max_tokens: int
    overlap_tokens: int
    normalised: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An immutable snapshot of documents with their passages, vectors and words; row i of both is `passages[i]`."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    vectors: VectorIndex
    lexical: LexicalIndex
    recipe: Recipe
    folder: Path | None

    @property
    def embedder_name(self) -> str:
        return self.recipe.embedder

    def document(self, document_id: str) -> Document:
        """Raises: KeyError where there is no such document."""
        for document in self.documents:
            if document.id == document_id:
                return document
        raise KeyError(document_id)


def write_index(
    folder: Path,
    *,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    vectors: VectorIndex,
    lexical: LexicalIndex,
    recipe: Recipe,
) -> Index:
    """Put an index in `folder` in place of the one there. Hold `writing(folder)` around it.

    Raises:
        AssistantError: the folder cannot be written, or holds another program's manifest; what was there stays.
    """
    if not len(passages) == len(vectors) == len(lexical):
        raise ValueError(
            f"{len(passages)} passages, {len(vectors)} vectors, {len(lexical)} texts: want as many of each"
        )
    contents = {
        "documents": _to_lines(asdict(document) for document in documents),
        "passages": _to_lines(_passage_record(passage) for passage in passages),
        "vectors": vectors.to_bytes(),
        "lexical": lexical.to_bytes(),
    }
    endings = {"documents": "jsonl", "passages": "jsonl", "vectors": "faiss", "lexical": "zip"}
    files = {}
    try:
        for role, content in contents.items():
            digest = hashlib.sha256(content).hexdigest()
            files[role] = {"name": f"{role}-{digest[:16]}.{endings[role]}", "sha256": digest, "bytes": len(content)}
            _write(folder / str(files[role]["name"]), content)
        _sync_names(folder)
        manifest = {
            "format": FORMAT,
            "recipe": asdict(recipe),
            "documents": [{"id": document.id, "sha256": document.sha256} for document in documents],
            "passages": len(passages),
            "files": files,
        }
        _write(folder / MANIFEST, _to_json({"seal": _seal(manifest), **manifest}, indent=1))
    except OSError as error:
        raise AssistantError(
            f"the index cannot be written to {str(folder)!r} ({error.strerror}): free space or choose another folder; "
            "what was there before is unchanged"
        ) from error
    _remove_leftovers(folder, keep={str(entry["name"]) for entry in files.values()})
    return Index(
        documents=tuple(documents),
        passages=tuple(passages),
        vectors=vectors,
        lexical=lexical,
        recipe=recipe,
        folder=folder,
    )


def open_index(folder: str | os.PathLike[str]) -> Index:
    """Open an index and check that every file is the one its manifest names.

    Raises:
        IndexDamagedError: there is no index, or a file is missing, cut, changed or another index's.
        IndexMismatchError: the index has a format that this version does not know.
    """
    folder = Path(folder)
    failed: bytes | None = None
    while True:
        manifest = _read(folder / MANIFEST)
        try:
            return _open(folder, manifest)
        except IndexDamagedError:
            if manifest == failed:
                raise
            failed = manifest  # another process may have replaced the index meanwhile: look again


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make `folder` and hold it against other writers; waits for one that is at work.

    Raises: AssistantError where the folder cannot be made or locked, or belongs to another program.
    """
    lock = filelock.FileLock(folder / _LOCK, timeout=_LOCK_SECONDS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout as error:
        raise AssistantError(
            f"another process has been writing the index in {str(folder)!r} for {_LOCK_SECONDS:g} s: "
            "wait for it or choose another folder"
        ) from error
    except OSError as error:
        raise AssistantError(
            f"the index cannot be written to {str(folder)!r} ({error.strerror}): choose another folder"
        ) from error
    try:
        _refuse_foreign(folder)
        yield
    finally:
        lock.release()


def _open(folder: Path, content: bytes) -> Index:
    manifest = _checked_manifest(folder, content)
    contents = {role: _checked_file(folder, entry) for role, entry in manifest["files"].items()}
    try:
        documents = tuple(_document(record) for record in _from_lines(contents["documents"]))
        texts = {document.id: document.text for document in documents}
        passages = tuple(_passage(record, texts) for record in _from_lines(contents["passages"]))
        vectors = FlatVectorIndex.from_bytes(contents["vectors"])
        lexical = LexicalIndex.from_bytes(contents["lexical"])
        recipe = Recipe(**manifest["recipe"])
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError(f"the index in {str(folder)!r} cannot be read: {_REMEDY}", path=str(folder)) from error
    if not len(passages) == len(vectors) == len(lexical) or vectors.dim != recipe.dim:
        raise IndexDamagedError(f"the files in {str(folder)!r} do not belong together: {_REMEDY}", path=str(folder))
    return Index(documents=documents, passages=passages, vectors=vectors, lexical=lexical, recipe=recipe, folder=folder)


def _checked_manifest(folder: Path, content: bytes) -> dict[str, Any]:
    path = str(folder / MANIFEST)
    try:
        manifest = json.loads(content)
        seal = manifest.pop("seal")
        found = manifest["format"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise IndexDamagedError(f"{path!r} is damaged: {_REMEDY}", path=path) from error
    if seal != _seal(manifest):
        raise IndexDamagedError(f"{path!r} was changed: {_REMEDY}", path=path)
    if found != FORMAT:
        raise IndexMismatchError(what="the format", built_with=str(found), opened_with=FORMAT)
    checked: dict[str, Any] = manifest
    return checked


def _checked_file(folder: Path, entry: Mapping[str, Any]) -> bytes:
    path = folder / entry["name"]
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise IndexDamagedError(
            f"{str(path)!r} is damaged ({len(content)} bytes where {entry['bytes']} were written, "
            f"or others in their place): {_REMEDY}",
            path=str(path),
        )
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        what = "holds no index" if path.name == MANIFEST else f"lacks {path.name}"
        raise IndexDamagedError(f"the folder {str(path.parent)!r} {what}: {_REMEDY}", path=str(path)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise IndexDamagedError(f"{str(path)!r} cannot be read ({reason}): {_REMEDY}", path=str(path)) from error


def _write(path: Path, content: bytes) -> None:
    """Write a whole file in one step, on the disk before its name is."""
    handle, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _sync_names(folder: Path) -> None:
    """Have the names of new files on the disk before the manifest names them."""
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_foreign(folder: Path) -> None:
    """Protect a manifest.json that is not ours; one of ours that is damaged may be replaced."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return
    if not (isinstance(manifest, dict) and str(manifest.get("format")).startswith("spanwise index")):
        raise AssistantError(
            f"the folder {str(folder)!r} holds another program's {MANIFEST}: choose an empty folder for the index"
        )


def _remove_leftovers(folder: Path, *, keep: set[str]) -> None:
    for path in folder.iterdir():
        if _OWN_FILE.fullmatch(path.name) and path.name not in keep:
            with contextlib.suppress(OSError):  # still open elsewhere: the next build removes it
                path.unlink()


def _seal(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(_to_json(manifest, sort_keys=True)).hexdigest()


def _passage_record(passage: Passage) -> dict[str, Any]:
    record = asdict(passage)
    del record["text"]
    return record


def _passage(record: Mapping[str, Any], texts: Mapping[str, str]) -> Passage:
    text = texts[record["document_id"]][record["start"] : record["end"]]
    sentences = tuple((int(start), int(end)) for start, end in record["sentences"])
    return Passage(**{**record, "sentences": sentences}, text=text)


def _document(record: Mapping[str, Any]) -> Document:
    quiet = tuple((int(start), int(end)) for start, end in record["quiet"])
    return Document(**{**record, "quiet": quiet})


def _to_lines(records: Iterator[Mapping[str, Any]]) -> bytes:
    return b"".join(_to_json(record) + b"\n" for record in records)


def _from_lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.split(b"\n") if line]


def _to_json(value: Any, **options: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **options).encode("utf-8")

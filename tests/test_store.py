"""The index folder: written whole or not at all, and refused when a file is not the one that was written."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from word_embedder import WordEmbedder

from index import store
from index.build import build_index
from index.errors import AssistantError, IndexDamagedError, IndexMismatchError
from index.store import Index, open_index, writing

EMBEDDER = WordEmbedder()


def build(folder: Path, text: str = "Kim received gifts. • Bread 🎉\r\n\r\n• Share\r\n\r\nNaïve 日本。") -> Index:
    source = folder.with_name(folder.name + ".txt")
    source.write_bytes(text.encode())
    return build_index([source], folder, embedder=EMBEDDER)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def empty(content: bytes) -> bytes:
    return b""


def flip_first(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def flip_middle(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def flip_last(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def extend(content: bytes) -> bytes:
    return content + b"\n "


ROLES = ["manifest", "documents", "passages", "vectors", "lexical"]


def file_of(folder: Path, role: str) -> Path:
    return next(folder.glob(f"{role}*"))


def test_what_is_opened_is_what_was_written(tmp_path: Path) -> None:
    built = build(tmp_path / "index")
    opened = open_index(str(tmp_path / "index"))
    assert opened.documents == built.documents
    assert opened.passages == built.passages
    assert opened.recipe == built.recipe
    assert (opened.vectors.vectors() == built.vectors.vectors()).all()
    assert opened.lexical.search("gift", top_k=5) == built.lexical.search("gift", top_k=5)
    assert opened.document(opened.documents[0].id).quiet
    with pytest.raises(KeyError):
        opened.document("unknown")


def test_an_index_can_be_moved_and_have_any_name(tmp_path: Path) -> None:
    built = build(tmp_path / "index")
    moved = tmp_path / "Übersicht 日本 🎉" / "a 'quoted' name"
    moved.parent.mkdir()
    shutil.move(tmp_path / "index", moved)
    assert open_index(moved).passages == built.passages
    assert build_index([tmp_path / "index.txt"], moved, embedder=EMBEDDER).passages == built.passages


def test_no_file_names_a_path_of_this_machine(tmp_path: Path) -> None:
    build(tmp_path / "index")
    assert not any(str(tmp_path).encode() in content for content in snapshot(tmp_path / "index").values())


@pytest.mark.parametrize("damage", [cut, empty, flip_first, flip_middle, flip_last, extend])
@pytest.mark.parametrize("role", ROLES)
def test_a_damaged_file_is_refused(tmp_path: Path, role: str, damage: Callable[[bytes], bytes]) -> None:
    build(tmp_path / "index")
    path = file_of(tmp_path / "index", role)
    path.write_bytes(damage(path.read_bytes()))
    if role == "manifest" and damage is extend:
        assert open_index(tmp_path / "index")  # white space after the end says nothing else
        return
    with pytest.raises(IndexDamagedError) as caught:
        open_index(tmp_path / "index")
    assert caught.value.path == str(path)
    assert str(caught.value).endswith("build the index again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("role", ROLES)
def test_a_missing_file_is_refused(tmp_path: Path, role: str) -> None:
    build(tmp_path / "index")
    path = file_of(tmp_path / "index", role)
    path.unlink()
    with pytest.raises(IndexDamagedError, match="holds no index" if role == "manifest" else "lacks"):
        open_index(tmp_path / "index")


@pytest.mark.parametrize("role", ROLES)
def test_another_index_s_file_in_its_place_is_refused(tmp_path: Path, role: str) -> None:
    build(tmp_path / "index")
    build(tmp_path / "other", "Something else entirely, in one sentence.")
    path = file_of(tmp_path / "index", role)
    path.write_bytes(file_of(tmp_path / "other", role).read_bytes())
    with pytest.raises(IndexDamagedError):
        open_index(tmp_path / "index")


def test_every_flipped_bit_of_the_manifest_is_noticed(tmp_path: Path) -> None:
    build(tmp_path / "index")
    path = tmp_path / "index" / "manifest.json"
    content = path.read_bytes()
    before = json.loads(content)
    for at in range(len(content)):
        changed = content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]
        path.write_bytes(changed)
        try:
            same = json.loads(changed) == before
        except ValueError:
            same = False
        if not same:
            with pytest.raises((IndexDamagedError, IndexMismatchError)):
                open_index(tmp_path / "index")


def test_another_format_is_a_mismatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "FORMAT", "spanwise index 99")
        build(tmp_path / "index")
    with pytest.raises(IndexMismatchError, match="spanwise index 99"):
        open_index(tmp_path / "index")


def test_no_folder_and_a_file_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(IndexDamagedError, match="holds no index"):
        open_index(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexDamagedError):
        open_index(tmp_path / "file")
    with pytest.raises(IndexDamagedError):
        open_index("nul\0")
    with pytest.raises(AssistantError, match="cannot be written"):
        build(tmp_path / "file")


# Writing


def test_a_full_disk_at_any_step_leaves_the_last_good_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = build(tmp_path / "index")
    before = snapshot(tmp_path / "index")
    real = os.fsync
    for failing in range(6):  # four files, their names and the manifest
        calls = iter(range(100))

        def full(handle: int, failing: int = failing, calls: object = calls) -> None:
            if next(calls) == failing:  # type: ignore[call-overload]
                raise OSError(errno.ENOSPC, "No space left on device")
            real(handle)

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(AssistantError, match="No space left on device"):
            build(tmp_path / "index", "Another text that does not fit.")
        monkeypatch.setattr(os, "fsync", real)
        assert open_index(tmp_path / "index").passages == old.passages
        assert before.items() <= snapshot(tmp_path / "index").items()
        assert not list((tmp_path / "index").glob(".writing-*"))
    new = build(tmp_path / "index", "Another text that fits.")
    assert open_index(tmp_path / "index").passages == new.passages
    assert len(snapshot(tmp_path / "index")) == 5


def _build_and_die(folder: Path, at: int) -> None:
    real = os.fsync
    calls = iter(range(100))

    def die(handle: int) -> None:
        if next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        real(handle)

    os.fsync = die
    build(folder, "A new text that is never finished.")


@pytest.mark.parametrize("at", range(6))
def test_a_killed_writer_leaves_the_last_good_index_and_no_lock(tmp_path: Path, at: int) -> None:
    old = build(tmp_path / "index")
    process = multiprocessing.get_context("spawn").Process(target=_build_and_die, args=(tmp_path / "index", at))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert open_index(tmp_path / "index").passages == old.passages
    new = build(tmp_path / "index", "A new text that is finished.")
    assert open_index(tmp_path / "index").passages == new.passages
    assert len(snapshot(tmp_path / "index")) == 5  # what the killed one left is gone


def test_two_writers_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with writing(tmp_path / "index"):
            order.append("second")

    with writing(tmp_path / "index"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_LOCK_SECONDS", 0.05)
    with (
        writing(tmp_path / "index"),
        pytest.raises(AssistantError, match="another process"),
        writing(tmp_path / "index"),
    ):
        pass


def test_a_reader_sees_one_index_or_the_other(tmp_path: Path) -> None:
    texts = ["The first text. It is short.", "Another text, with other words. And more. And more."]
    known = {build(tmp_path / "index", text).passages for text in texts}
    stop = threading.Event()
    seen: list[object] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(open_index(tmp_path / "index").passages)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for turn in range(20):
            build(tmp_path / "index", texts[turn % 2])
    finally:
        stop.set()
        thread.join()
    assert seen
    assert set(seen) <= known


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "documents-mine.jsonl").write_text("mine")
    build(folder)
    build(folder, "Another text.")
    assert (folder / "documents-mine.jsonl").read_text() == "mine"
    other = tmp_path / "project"
    other.mkdir()
    (other / "manifest.json").write_text('{"name": "an application"}')
    with pytest.raises(AssistantError, match="another program"):
        build(other)
    assert (other / "manifest.json").read_text() == '{"name": "an application"}'

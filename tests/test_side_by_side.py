"""Several runs at once: in order, the largest first, and errors come through."""

from __future__ import annotations

import threading

import pytest

from index.side_by_side import AT_ONCE, SideBySide


@pytest.mark.parametrize("threads", [1, 2, 64])
@pytest.mark.parametrize("things", [[], ["a"], ["bb", "a", "dddd", "ccc", "", "eeeeee"]])
def test_results_are_in_order(threads: int, things: list[str]) -> None:
    assert SideBySide(threads).map(str.upper, things, size=len) == [thing.upper() for thing in things]


def test_the_largest_comes_first() -> None:
    began: list[str] = []
    both = threading.Barrier(2, timeout=20)

    def run(thing: str) -> None:
        began.append(thing)
        both.wait()

    SideBySide(2).map(run, ["b", "dddd", "a", "ccc"], size=len)
    assert sorted(began[:2], key=len) == ["ccc", "dddd"]


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (3, 3), (64, AT_ONCE)])
def test_so_many_run_at_once(threads: int, at_once: int) -> None:
    running, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def run(thing: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == at_once:
                full.set()
        assert full.wait(timeout=20)
        with lock:
            running -= 1

    SideBySide(threads).map(run, list(range(12)), size=int)
    assert most == at_once


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_comes_through_and_the_next_call_works(threads: int) -> None:
    several = SideBySide(threads)
    with pytest.raises(ZeroDivisionError):
        several.map(lambda n: 1 // n, [1, 0, 2, 3, 4], size=int)
    assert several.map(lambda n: 4 // n, [1, 2, 4], size=int) == [4, 2, 1]


def test_all_cores_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=20)
    assert SideBySide(None).map(lambda n: both.wait() >= 0, [1, 2], size=int) == [True, True]

"""`benchmarks/training.py`: a table of what ideas in training are worth, from real runs of a tiny encoder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import training
from training_sets import encoder, lines, squad

from qa.evaluation.lists import count_list
from qa.training.dev import Found


def found(f1: float, margin: float, *, answerable: bool = True) -> Found:
    return Found(answerable=answerable, margin=margin, exact=f1, f1=f1) if answerable else Found(False, margin)


def some(f1: float, margin: float) -> list[list[Found]]:
    return [[found(f1, margin) for _ in range(30)], [Found(answerable=False, margin=1.0) for _ in range(30)]]


def test_a_sure_gain_and_a_sure_loss_are_told_from_what_is_neither() -> None:
    added = training.Idea("idea", {}, removes=False)
    assert training.line(added, some(0.5, 2.0), some(0.7, 2.0)) == [
        "idea", "+20.0 (+20.0 to +20.0)", "±0.0 (±0.0 to ±0.0)", "–", "+10.0 (+10.0 to +10.0)", "better than shipped",
    ]  # fmt: skip
    assert training.line(added, some(0.5, 2.0), some(0.5, 0.0))[2] == "−100.0 (−100.0 to −100.0)"
    assert training.line(added, some(0.5, 2.0), some(0.5, 0.0))[-1] == "dropped: surely worse"
    mixed = [[found(0.5 + 0.4 * (-1) ** n, 2.0) for n in range(30)], some(0.5, 2.0)[1]]
    assert training.line(added, some(0.5, 2.0), mixed)[-1] == "dropped: no sure gain"
    without = training.Idea("idea", {}, removes=True)
    assert training.line(without, some(0.5, 2.0), some(0.4, 2.0))[-1] == "idea kept: surely helps"


def test_lists_have_their_own_column() -> None:
    listed = [[Found(answerable=True, margin=0.0, listed=count_list([], ["a"]))] * 3]
    cells = training.line(training.Idea("idea", {}, removes=None), listed, listed)
    assert cells[3] == "±0.0 (±0.0 to ±0.0)"


def test_readers_are_trained_compared_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = (squad(tmp_path), lines(tmp_path))
    encoder(tmp_path / "base", "bert", places=400)
    ideas = (
        training.Idea("joint", {"joint": True}, removes=False),
        training.Idea("mean", {"average": 1, "evaluations": 5, "dev_sample": 2}, removes=False),
        training.Idea("twice", {"steps": 2}, removes=None),
    )
    monkeypatch.setattr(training, "IDEAS", ideas)
    out, work = tmp_path / "training.md", tmp_path / "work"
    command = ["training.py", "--base", tmp_path / "base", "--train", f"{sets[0]}=2", "--dev", *sets, "--work", work]
    monkeypatch.setattr(sys, "argv", [*map(str, command), "--steps", "3", "--batch-tokens", "200", "--out", str(out)])
    training.main()
    table = [row for row in out.read_text(encoding="utf-8").splitlines() if row.startswith("|")]
    assert [row.split("|")[1].strip() for row in table] == ["", "---", "as by default", "joint", "mean", "twice"]
    trained = {folder.name: (folder / "training" / "weights.pt").stat().st_mtime_ns for folder in work.iterdir()}
    assert set(trained) == {"reference", "joint", "mean", "twice"}
    out.unlink()
    training.main()
    assert [row for row in out.read_text(encoding="utf-8").splitlines() if row.startswith("|")] == table
    assert {
        folder.name: (folder / "training" / "weights.pt").stat().st_mtime_ns for folder in work.iterdir()
    } == trained

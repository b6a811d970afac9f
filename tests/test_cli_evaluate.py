"""`spanwise evaluate` and `spanwise compare` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import test_compare as comparing

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"


@pytest.fixture(scope="module")
def run(spanwise, tmp_path_factory):
    """One quick run of six questions on the seed article."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    done = spanwise("evaluate", str(SEEDS / "news_dev.jsonl"), "--out", str(folder), "--depth", "quick", "--limit", "6")
    return folder, done


def test_a_run_prints_a_short_table_and_writes_its_folder(run):
    folder, done = run
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "6 questions" in done.stdout
    for word in ("Right, strict", "Right, lenient", "F1 (SQuAD)", "Wrong when answered", "median", str(folder)):
        assert word in done.stdout
    assert len(done.stdout.splitlines()) < 25
    about = json.loads((folder / "run.json").read_text())
    assert about["command"].startswith("spanwise evaluate ")
    assert about["identity"]["settings"]["depth"] == "quick"
    assert json.loads((folder / "metrics.json").read_text())["total"] == 6


@pytest.mark.parametrize(("gate", "status"), [("f1=0", 0), ("f1=100.5", 1), ("abstention.total=0", 0)])
def test_gates_give_the_exit_status(spanwise, run, gate, status):
    folder, _ = run
    done = spanwise(
        "evaluate", str(SEEDS / "news_dev.jsonl"), "--out", str(folder), "--depth", "quick", "--limit", "6",
        "--fail-under", gate,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert ("below" in done.stderr) == bool(status)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["none.jsonl", "--out", "x"], "does not exist"),
        ([str(SEEDS / "news_dev.jsonl"), "--out", "x", "--documents", "nowhere"], "no folder"),
        ([str(SEEDS / "news_dev.jsonl"), "--out", "x", "--documents", ".", "--index", "."], "not both"),
        ([str(SEEDS / "news_dev.jsonl"), "--out", "x", "--fail-under", "f1"], "f1=80"),
        ([str(SEEDS / "news_dev.jsonl"), "--out", "x", "--fail-under", "=5"], "f1=80"),
        ([str(SEEDS / "news_dev.jsonl"), "--out", "x", "--threshold", "7"], "threshold"),
        ([str(SEEDS / "news_dev.jsonl"), "--out", "x", "--together"], "--together needs"),
        ([str(SEEDS / "kim_leaves_russia.txt"), "--out", "x"], ".jsonl"),
    ],
)
def test_mistakes_are_one_line(spanwise, arguments, word, tmp_path):
    done = spanwise("evaluate", *arguments, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_bad_row_is_told_and_fails_after_the_rest_is_done(spanwise, tmp_path):
    (tmp_path / "ferry.txt").write_text("The ferry leaves at nine.")
    (tmp_path / "set.csv").write_text("question,answer,document\nWhen does it leave?,nine,ferry.txt\n,x,ferry.txt\n")
    done = spanwise("evaluate", "set.csv", "--out", "run", "--depth", "quick", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("1 question;")
    assert "set.csv, line 3, question" in done.stderr
    assert (tmp_path / "run" / "metrics.json").exists()


def test_compare_prints_both_and_gates(spanwise, tmp_path):
    a = comparing.run(tmp_path / "a", comparing.truths(*[True] * 30))
    b = comparing.run(tmp_path / "b", comparing.truths(*[True] * 15, *[False] * 15))
    done = spanwise("compare", str(a), str(b), "--show", "2")
    assert done.returncode == 0, done.stderr
    assert "Lost: 15" in done.stdout
    assert spanwise("compare", str(a), str(b), "--fail-on-regression").returncode == 1
    assert spanwise("compare", str(b), str(a), "--fail-on-regression").returncode == 0
    assert json.loads(spanwise("compare", str(a), str(b), "--json").stdout)["total"] == 30


@pytest.mark.parametrize("arguments", [["compare", "a", "b"], ["compare", ".", "."]])
def test_comparing_what_is_no_run_is_one_line(spanwise, arguments, tmp_path):
    done = spanwise(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert "holds no run" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_help_names_every_option(spanwise, command):
    done = spanwise(command, "--help")
    assert done.returncode == 0
    for option in {"evaluate": ["--out", "--documents", "--scope", "--fail-under", "--limit", "--fresh"],
                   "compare": ["--fail-on-regression", "--show", "--json"]}[command]:  # fmt: skip
        assert option in done.stdout

"""Whole runs: they learn, go on to the bit where they stopped, and tell what keeps them from it in one sentence."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from training_sets import PARAGRAPHS, encoder, lines, recipe, squad

from index.types import Passage
from qa.cli import main
from qa.reading.builtin import open_reader
from qa.training.errors import TrainingError
from qa.training.recipe import Recipe
from qa.training.run import Outcome, train_reader
from qa.training.state import Run
from qa.training.telling import Told

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module", autouse=True)
def _small_blocks() -> Iterator[None]:
    """Of examples that are sorted together, so that a run of a few steps crosses several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qa.training.stream.BLOCK", 60)
        yield


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    squad(folder)
    lines(folder)
    encoder(folder / "base", "bert")
    return folder


def usual(sets: Path, **given: Any) -> Recipe:
    """Every stage, with evaluations and an average, in twelve steps."""
    options = {"evaluations": 6, "dev": (sets / "squad.json", sets / "lists.jsonl"), "dev_sample": 3, "average": 2}
    return recipe(sets, sets / "base", **{**options, **given})


@pytest.fixture(scope="module")
def whole(sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The usual run, never stopped."""
    out = tmp_path_factory.mktemp("whole") / "tiny-1"
    assert train_reader(usual(sets), out).steps == 12
    return out


def weights(out: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(out / "training" / "weights.pt", weights_only=True)
    return found


def same(one: Path, two: Path) -> bool:
    first, second = weights(one), weights(two)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def stopped_at(step: int, made: Recipe, out: Path, *, by: signal.Signals = signal.SIGTERM) -> Outcome:
    """A run that gets a signal right after a step."""

    def tell(told: Told) -> None:
        if told.step == step and told.figures is None:
            signal.raise_signal(by)

    done = train_reader(made, out, tell=tell)
    assert (done.stopped, done.steps) == (by, step)
    return done


# Going on


@pytest.mark.parametrize(("step", "by"), [(2, signal.SIGINT), (9, signal.SIGTERM)])
def test_a_run_that_was_stopped_ends_with_the_same_weights(sets, whole, tmp_path, step, by):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    stopped_at(step, usual(sets), tmp_path / "out", by=by)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert not (tmp_path / "out" / "reader.json").exists()
    torch.rand(100)  # whatever else draws numbers in between
    done = train_reader(usual(sets), tmp_path / "out")
    assert done.resumed
    assert same(whole, tmp_path / "out")


def program(sets: Path, out: Path, *more: str) -> list[str]:
    guarded = "import network_guard; network_guard.install(); from qa.cli import main; main()"
    options = [
        *("--train", f"{sets / 'squad.json'}=2", "--train", f"{sets / 'lists.jsonl'}=8", "--base", str(sets / "base")),
        *("--out", str(out), "--steps", "60", "--lr", "3e-3", "--batch-tokens", "200", "--longest", "64"),
        *("--doc-stride", "16", "--crop", "16", "24", "--evaluations", "0", "--precision", "fp32", "--threads", "1"),
        *("--short-until", "0.3", "--round-from", "0.6", "--name", "tiny-1", *more),
    ]
    return [sys.executable, "-c", guarded, "train-reader", *options]


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_was_ended_goes_on_to_the_same_weights(sets, tmp_path, by, monkeypatch):
    monkeypatch.setattr("qa.training.stream.BLOCK", 2000)  # as the process has it
    made = recipe(sets, sets / "base", steps=60)
    train_reader(made, tmp_path / "whole")
    command = program(sets, tmp_path / "out", "--save-every", "0")  # for the one that cannot save at the end
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "PYTHONIOENCODING": "utf-8"}
    state = tmp_path / "out" / "training" / "state.pt"
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, encoding="utf-8") as process:
        assert process.stderr is not None
        until = time.monotonic() + 120
        while not state.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(by)
        told = process.stderr.read()
    if by == signal.SIGTERM:
        assert process.returncode == 128 + by, told
        assert "the same command goes on" in told
    assert not (tmp_path / "out" / "reader.json").exists(), "it was to be ended before its end"
    done = subprocess.run(command, capture_output=True, env=environment, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "going on at step" in done.stderr
    assert same(tmp_path / "whole", tmp_path / "out")


@pytest.mark.parametrize("more", [{"workers": 2}, {"save_every": 0.0}], ids=str)
def test_workers_and_savings_change_no_weight(sets, whole, tmp_path, more):
    train_reader(usual(sets, **more), tmp_path / "out")
    assert same(whole, tmp_path / "out")


def test_another_seed_gives_other_weights(sets, whole, tmp_path):
    train_reader(usual(sets, seed=1), tmp_path / "out")
    assert not same(whole, tmp_path / "out")


def test_other_arguments_are_named_and_change_nothing(sets, tmp_path):
    stopped_at(3, usual(sets), tmp_path / "out")
    state = (tmp_path / "out" / "training" / "state.pt").read_bytes()
    with pytest.raises(TrainingError, match=r"joint was false, is true; lr was 0.003, is 0.001.*--fresh"):
        train_reader(usual(sets, lr=1e-3, joint=True), tmp_path / "out")
    assert (tmp_path / "out" / "training" / "state.pt").read_bytes() == state


def test_a_question_file_that_changed_is_noticed(sets, tmp_path):
    file = squad(tmp_path)
    made = usual(sets, train=((file, 1.0),))
    stopped_at(3, made, tmp_path / "out")
    file.write_text(file.read_text(encoding="utf-8").replace("Who drove", "Who steered"), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"train was .*squad.json.* is .*squad.json"):
        train_reader(made, tmp_path / "out")


def test_a_finished_run_is_left_alone(sets, whole):
    def files() -> dict[Path, int]:
        return {f: f.stat().st_mtime_ns for f in whole.rglob("*") if f.is_file() and f.name != ".lock"}

    before = files()
    said: list[str] = []
    assert train_reader(usual(sets), whole, say=said.append).steps == 12
    assert said == ["already trained"]
    assert files() == before


# Saving


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may get larger, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_nothing_more_can_be_written_the_earlier_state_stays(sets, whole, tmp_path):
    stopped_at(3, usual(sets), tmp_path / "out")
    folder = tmp_path / "out" / "training"
    state = (folder / "state.pt").read_bytes()
    with largest_file(1_000_000), pytest.raises(TrainingError, match=r"could not be saved.*is intact"):
        stopped_at(5, usual(sets), tmp_path / "out")
    assert (folder / "state.pt").read_bytes() == state
    assert not list(folder.glob("*.part"))
    train_reader(usual(sets), tmp_path / "out")
    assert same(whole, tmp_path / "out")


def test_a_disk_that_is_too_small_is_told_before_it_is_filled(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    run = Run(tmp_path / "out")
    with pytest.raises(TrainingError, match=r"takes 4 MB .0 MB are free.*nothing was saved before"):
        run.write(run.weights_file, {"one": torch.zeros(1_000_000)}, step=7)
    assert not list((tmp_path / "out" / "training").glob("weights*"))


def test_a_damaged_state_is_told_and_can_be_left_behind(sets, tmp_path):
    made = usual(sets, evaluations=0, average=0)
    stopped_at(3, made, tmp_path / "out")
    state = tmp_path / "out" / "training" / "state.pt"
    state.write_bytes(state.read_bytes()[:-1000])
    with pytest.raises(TrainingError, match=r"is damaged.*--fresh"):
        train_reader(made, tmp_path / "out")
    assert train_reader(made, tmp_path / "out", fresh=True).steps == 12


def test_two_processes_do_not_train_into_one_folder(sets, tmp_path):
    with Run(tmp_path / "out"), pytest.raises(TrainingError, match="another process is training"):
        train_reader(usual(sets), tmp_path / "out")


# What comes out


def test_it_learns_and_tells_how(sets, tmp_path):
    made = usual(sets, steps=120, dev_sample=20, average=0, evaluations=4)
    told: list[Told] = []
    train_reader(made, tmp_path / "out", tell=told.append)
    log = [json.loads(line) for line in (tmp_path / "out/training/log.jsonl").read_text(encoding="utf-8").splitlines()]
    looked = [line for line in log if "dev" in line]
    assert [line["step"] for line in looked] == [0, 30, 60, 90, 120]
    first, last = looked[0]["dev"], looked[-1]["dev"]
    assert first["questions"] == last["questions"] == 8
    assert first["f1"] < 60
    assert last["f1"] > 90
    assert last["f1"] >= last["exact"]
    assert 0 <= last["auroc"] <= 1
    losses = [line for line in log if "loss" in line]
    assert losses[-1]["loss"] < losses[0]["loss"]
    assert {line["stage"] for line in losses} == {"short", "whole", "rounded"}
    assert all(line["examples_per_second"] > 0 for line in losses)
    assert told[-1].passed == 1
    svg = ET.parse(tmp_path / "out/training/curves.svg").getroot()
    words = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"tiny-1", "loss", "learning rate", "development sample", "F1", "in 8 bits"} <= set(words)


def test_the_folder_is_a_reader_and_a_base(sets, whole, tmp_path):
    assert {file.name for file in whole.iterdir()} == {"model.onnx", "tokenizer.json", "reader.json", "training"}
    assert [file.name for file in (whole / "training").glob("*.pt")] == ["weights.pt"]
    reader = open_reader("small", whole)
    assert reader.name == "tiny-1"
    passage = Passage(id="1", document_id="d", text=PARAGRAPHS[0], start=0, end=len(PARAGRAPHS[0]))
    assert reader.read("What did the governor give Kim?", [passage])[0].spans
    for base in (whole, shipped(whole, tmp_path / "shipped")):
        made = recipe(sets, base, steps=2, teacher=whole, joint=True, shared_normalisation=True, title=True)
        done = train_reader(made, tmp_path / f"from-{base.name}")
        assert done.steps == 2
        assert not same(whole, tmp_path / f"from-{base.name}")


def test_what_was_rounded_before_stays_on_its_steps(sets, whole, tmp_path):
    """A run that rounds from its start on begins with the reader that it was given, to the integer."""
    base = shipped(whole, tmp_path / "shipped")
    made = recipe(sets, base, steps=1, lr=1e-9, short_until=0.0, round_from=0.0)
    train_reader(made, tmp_path / "out")
    before, after = ({t.name: numpy_helper.to_array(t) for t in onnx.load(str(f / "model.onnx")).graph.initializer}
                     for f in (base, tmp_path / "out"))  # fmt: skip
    bits = [name for name, table in before.items() if table.dtype == np.int8 and table.size > 1]
    assert len(bits) == 13
    assert all(np.array_equal(before[name], after[name]) for name in bits)


def shipped(out: Path, to: Path) -> Path:
    to.mkdir()
    for name in ("model.onnx", "tokenizer.json", "reader.json"):
        (to / name).write_bytes((out / name).read_bytes())
    return to


@pytest.mark.parametrize("count", [1, 2])
def test_an_average_is_the_mean_of_the_best(sets, tmp_path, monkeypatch, count):
    kept: dict[int, dict[str, torch.Tensor]] = {}
    write = Run.write

    def watch(self: Run, file: Path, stored: Any, *, step: int) -> None:
        if file.name.startswith("snapshot"):
            kept[step] = {name: tensor.clone() for name, tensor in stored.items()}
        write(self, file, stored, step=step)

    monkeypatch.setattr(Run, "write", watch)
    train_reader(usual(sets, average=count), tmp_path / "out")
    assert sorted(kept) == [10, 12]
    log = [json.loads(line) for line in (tmp_path / "out/training/log.jsonl").read_text(encoding="utf-8").splitlines()]
    figures = {line["step"]: line["dev"] for line in log if "dev" in line and line["stage"] != "averaged"}
    best = sorted(kept, key=lambda step: (-overall(figures[step]), -step))[:count]
    for name, tensor in weights(tmp_path / "out").items():
        assert torch.allclose(tensor, torch.stack([kept[step][name] for step in best]).mean(0), atol=1e-6)
    assert log[-1]["stage"] == "averaged"


def overall(figures: dict[str, float]) -> float:
    return (figures["f1"] + 100 * (figures["auroc"] or 0) + (figures["lists"] or 0)) / sum(
        figures[name] is not None for name in ("f1", "auroc", "lists")
    )


def test_a_small_encoder_learns_from_another_kind_on_the_clock(sets, tmp_path):
    teacher = encoder(tmp_path / "teacher", "mpnet")
    made = recipe(sets, sets / "base", teacher=teacher, steps=None, minutes=0.02, precision="auto")
    done = train_reader(made, tmp_path / "out")
    assert done.steps > 2
    assert done.precision in ("fp32", "bf16")
    stored = json.loads((tmp_path / "out/training/arguments.json").read_text(encoding="utf-8"))
    assert stored["precision"] == done.precision
    assert set(stored["seconds"]) == {"fp32", "bf16"}


# The command line


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["train-reader", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"--steps": None}, "either steps or minutes"),
        ({"--short-until": "0.9"}, "short texts come before rounding"),
        ({"--average": "3"}, "0 of 0 evaluations are in the last stage"),
        ({"--train": "none.json"}, "'none.json' cannot be read"),
        ({"--base": "none"}, "'none' is no folder"),
        ({"--longest": "200"}, "this encoder reads 130 tokens"),
        ({"--device": "cuda"}, "needs a GPU"),
        ({"--lr": "1e9"}, "start anew with a lower --lr"),
    ],
    ids=str,
)
def test_what_keeps_it_from_training_is_one_line(sets, tmp_path, capsys, monkeypatch, changed, told):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    options = {
        "--train": str(sets / "squad.json"), "--base": str(sets / "base"), "--out": str(tmp_path / "out"),
        "--steps": "30", "--longest": "64", "--doc-stride": "16", "--evaluations": "0", "--precision": "fp32",
        "--threads": "1", "--batch-tokens": "200", **changed,
    }  # fmt: skip
    arguments = [part for name, value in options.items() if value is not None for part in (name, value)]
    assert run(*arguments) in (1, 2)
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("spanwise: ")
    assert told in last


def test_a_weight_is_behind_the_last_equals_sign(tmp_path):
    from qa.cli_train import weighted

    odd = tmp_path / "a=2"
    assert weighted("squad.json=2.5") == (Path("squad.json"), 2.5)
    assert weighted("squad.json") == (Path("squad.json"), 1.0)
    assert weighted(str(odd)) == (tmp_path / "a", 2.0)
    odd.write_text("", encoding="utf-8")
    assert weighted(str(odd)) == (odd, 1.0)

"""A whole run: from question files and an encoder to the folder that is shipped, from its start or where it stopped."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from qa.evaluation.types import Problem
from qa.training.base import load, open_network, open_pieces
from qa.training.dev import Sample, choose
from qa.training.errors import TrainingError
from qa.training.export import export
from qa.training.layout import Taught
from qa.training.loop import Trainer
from qa.training.model import ReaderModel
from qa.training.pieces import Pieces
from qa.training.precision import faster, open_device, settings
from qa.training.prepare import Arrays, prepare, read_arrays, write_arrays
from qa.training.questions import read_sets
from qa.training.recipe import Recipe, differences
from qa.training.state import Run
from qa.training.stream import Blocks
from qa.training.telling import Tell

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`stopped` is the signal that stopped the run before its end, None where the reader is in `folder`."""

    folder: Path
    steps: int
    examples: int
    precision: str
    stopped: int | None = None
    resumed: bool = False


def train_reader(
    recipe: Recipe,
    out: Path,
    *,
    fresh: bool = False,
    tell: Tell = lambda _: None,
    say: Say = lambda _: None,
    on_problem: Callable[[Problem], None] = lambda _: None,
) -> Outcome:
    """Train a reader into `out`, going on where a run with the same recipe stopped.

    `tell` hears after every step, `say` what is being done between them, `on_problem` of questions left out.

    Raises: `TrainingError` for whatever keeps it from starting, going on or being saved.
    """
    device = open_device(recipe.device)
    with Run(out) as run, settings(device, recipe.threads):
        if fresh:
            run.clear()
        stored = run.arguments()
        given = recipe.arguments()
        if stored is not None and (changed := differences(stored["arguments"], given)):
            raise TrainingError(
                f"{str(out)!r} holds a run with other arguments ({'; '.join(changed)}): give the same ones to go on, "
                "name another --out (with --base to go on from these weights), or start anew with --fresh"
            )
        if stored is None or not run.weights_file.exists():
            return _trained(recipe, run, device, stored, given, tell, say, on_problem)
        say("already trained")
        if not (out / "reader.json").exists():
            _export(recipe, run, load(run.folder), say)
        run.tidy()
        return Outcome(out, stored["steps"], stored["examples"], stored["precision"], resumed=True)


def _trained(
    recipe: Recipe,
    run: Run,
    device: torch.device,
    stored: dict[str, Any] | None,
    given: dict[str, Any],
    tell: Tell,
    say: Say,
    on_problem: Callable[[Problem], None],
) -> Outcome:
    torch.manual_seed(recipe.seed)
    going_on = stored is not None and run.state_file.exists()
    model = ReaderModel.from_config(run.folder) if going_on else open_network(recipe.base)
    pieces, arrays = _prepared(recipe, run, model, stored, say, on_problem)
    _check_length(recipe, model)
    teacher = None if recipe.teacher is None else _teacher(recipe.teacher, pieces, device)
    model.to(device)
    precision = recipe.precision if stored is None else stored["precision"]
    if stored is None:
        tried = None
        if precision == "auto":
            say("trying which number format is faster here")
            batch = Blocks(arrays, recipe.mixture("short"), "trial", pieces)[0][0]
            precision, tried = faster(model, batch, device)
        stored = {"arguments": given, "precision": precision, "seconds": tried, "device": device.type}
        _write_json(run, stored)
    sample = None
    if recipe.dev:
        chosen = choose(recipe.dev, recipe.documents, recipe.dev_sample, recipe.seed, on_problem)
        tokenizer = run.folder / "tokenizer.json"
        sample = Sample(chosen, tokenizer, longest=recipe.longest, doc_stride=recipe.doc_stride)
    trainer = Trainer(
        recipe, run, model, pieces, arrays, device,
        precision=precision, sample=sample, teacher=teacher, tell=tell,
    )  # fmt: skip
    resumed = trainer.resume()
    say(f"{'going on at' if resumed else 'starting at'} step {trainer.progress.step}, in {precision} on {device.type}")
    stopped = trainer.train()
    progress = trainer.progress
    if stopped is not None:
        return Outcome(run.out, progress.step, progress.examples, precision, stopped, resumed)
    if progress.snapshots:
        average(run, model, [step for step, _ in progress.snapshots])
        trainer.look_again()
    _write_json(run, {**stored, "steps": progress.step, "examples": progress.examples})
    run.write(run.weights_file, model.state_dict(), step=progress.step)  # last: they tell that training is over
    _export(recipe, run, load(run.folder), say)
    run.tidy()
    return Outcome(run.out, progress.step, progress.examples, precision, resumed=resumed)


def _prepared(
    recipe: Recipe,
    run: Run,
    model: ReaderModel,
    stored: dict[str, Any] | None,
    say: Say,
    on_problem: Callable[[Problem], None],
) -> tuple[Pieces, Arrays]:
    """What the run's folder holds, or else made from the question files and put there."""
    if stored is not None:
        pieces, _ = open_pieces(run.folder, model)
        try:
            return pieces, read_arrays(run.examples_file)
        except Exception as error:
            raise run.damaged(run.examples_file, error) from error
    pieces, tokenizer = open_pieces(recipe.base, model, recipe.tokenizer)
    say("reading questions")
    sets = read_sets(recipe.train, recipe.documents, on_problem)
    say(f"cutting {len(sets.contexts)} texts and {len(sets.examples)} questions into tokens")
    arrays = prepare(sets, pieces, noise=recipe.noise, lists=recipe.lists, seed=recipe.seed)
    run.replace(run.examples_file, lambda file: write_arrays(arrays, file))
    model.config.save_pretrained(run.folder)
    shutil.copyfile(tokenizer, run.folder / "tokenizer.json")
    return pieces, arrays


def _check_length(recipe: Recipe, model: ReaderModel) -> None:
    config = model.config
    # BERT counts places from nought, the others from behind the number of the padding
    most = config.max_position_embeddings - (0 if config.model_type == "bert" else config.pad_token_id + 1)
    if recipe.longest > most:
        raise TrainingError(f"--longest is {recipe.longest}, and this encoder reads {most} tokens: give at most that")


def _teacher(path: Path, pieces: Pieces, device: torch.device) -> tuple[ReaderModel, Taught]:
    network = open_network(path)
    theirs, _ = open_pieces(path, network)
    return network.to(device).eval().requires_grad_(requires_grad=False), Taught(theirs, pieces.translation(theirs))


@torch.no_grad()
def average(run: Run, model: ReaderModel, steps: list[int]) -> None:
    """Set the mean of the weights after some steps (Izmailov et al. 2018)."""
    total: dict[str, torch.Tensor] = {}
    for step in steps:
        try:
            weights = torch.load(run.snapshot_file(step), map_location="cpu", weights_only=True)
        except Exception as error:
            raise run.damaged(run.snapshot_file(step), error) from error
        for name, tensor in weights.items():
            total[name] = tensor.double() + total[name] if name in total else tensor.double()
    model.load_state_dict({name: (tensor / len(steps)).float() for name, tensor in total.items()})


def _export(recipe: Recipe, run: Run, model: ReaderModel, say: Say) -> None:
    say("exporting")
    noisy = logging.getLogger("torch.onnx")
    before = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        export(
            model, tokenizer=run.folder / "tokenizer.json", name=recipe.name, out=run.out,
            max_tokens=recipe.longest, doc_stride=recipe.doc_stride,
        )  # fmt: skip
    except OSError as error:
        raise TrainingError(
            f"the reader could not be written to {str(run.out)!r} ({error.strerror}): free some space and run the same "
            "command again; the trained weights are kept"
        ) from error
    finally:
        noisy.setLevel(before)


def _write_json(run: Run, stored: dict[str, Any]) -> None:
    run.replace(run.arguments_file, lambda file: file.write(json.dumps(stored, indent=2).encode() + b"\n"))

"""Training itself: step after step through the stages, looking and saving on the way, until done or told to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict

import torch

from qa.training.dev import Sample
from qa.training.errors import TrainingError
from qa.training.layout import Batch, Taught, aligned, inputs
from qa.training.log import Log
from qa.training.losses import Loss, losses
from qa.training.model import ReaderModel
from qa.training.pieces import Pieces
from qa.training.precision import lower
from qa.training.prepare import Arrays
from qa.training.recipe import Recipe
from qa.training.state import Progress, Run, random_state, set_random_state
from qa.training.stopping import Stopping
from qa.training.stream import Blocks, stream
from qa.training.telling import Tell, Teller

SPREAD_BATCHES = 24
"""Batches from which the spread of every layer's input is seen before rounding begins."""


class Trainer:
    """One run in memory. `precision` is "fp32" or "bf16"; `teacher` is the network to learn from and its pieces."""

    def __init__(
        self,
        recipe: Recipe,
        run: Run,
        model: ReaderModel,
        pieces: Pieces,
        arrays: Arrays,
        device: torch.device,
        *,
        precision: str,
        sample: Sample | None = None,
        teacher: tuple[ReaderModel, Taught] | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        self.recipe, self.run, self.pieces, self.arrays, self.device = recipe, run, pieces, arrays, device
        self.model, self.precision, self.sample, self.teacher = model, precision, sample, teacher
        decayed = [p for n, p in model.named_parameters() if p.ndim > 1 and "LayerNorm" not in n]
        plain = [p for n, p in model.named_parameters() if p.ndim <= 1 or "LayerNorm" in n]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(
            groups, lr=recipe.lr, betas=(0.9, 0.98), fused=True
        )  # nine times as fast on a CPU
        self.progress = Progress()
        self.log = Log(run.log_file, run.curves_file)
        self.teller = Teller(self.log, tell)
        self.stopping = Stopping()
        self._batches: Iterator[tuple[int, int, Batch]] | None = None

    def resume(self) -> bool:
        """Take up the state that the run's folder holds; False where there is none."""
        found = self.run.load()
        if found is None:
            torch.manual_seed(self.recipe.seed)
            self.log.rewind(-1)
            return False
        self.progress, stored = found
        self.model.load_state_dict(stored["model"])
        self.model.quantise(self.progress.rounding)
        self.optimiser.load_state_dict(stored["optimiser"])
        set_random_state(stored["random"])
        self.log.rewind(self.progress.step)
        return True

    def save(self) -> None:
        """Store everything it takes to go on from here."""
        self.progress.seconds, self._began = self.seconds, time.monotonic()
        self.run.save(self.progress, self.model.state_dict(), self.optimiser.state_dict(), random_state())

    @property
    def seconds(self) -> float:
        """Spent in training, in this process and those before it."""
        return self.progress.seconds + time.monotonic() - self._began

    @property
    def passed(self) -> float:
        """The share of the run that is done."""
        if self.recipe.steps is not None:
            return min(1.0, self.progress.step / self.recipe.steps)
        assert self.recipe.minutes is not None
        return min(1.0, self.seconds / 60 / self.recipe.minutes)

    def train(self) -> int | None:
        """Go on to the end; the number of the signal where one asked to stop, with everything saved."""
        self._began = self._saved = time.monotonic()
        self.teller.begin(self.passed)
        with self.stopping.listening():
            while not self.stopping():
                passed = self.passed
                if not self.look(passed):
                    break
                if passed >= 1:
                    if not self.progress.rounding:
                        self.begin_rounding()
                    return self._stop()
                if self.enter(self.recipe.stage(passed)):
                    self.step(passed)
                if time.monotonic() - self._saved > 60 * self.recipe.save_every:
                    self.save()
                    self._saved = time.monotonic()
            return self._stop()

    def _stop(self) -> int | None:
        self.save()
        self.teller.write(self.progress, self.passed, self.recipe.rate(self.passed), self.seconds)
        self.log.draw(self.recipe.name)
        return self.stopping.signal

    def enter(self, stage: str) -> bool:
        """Have batches of a stage ready; False when asked to stop before they were."""
        if stage != self.progress.stage:
            if stage == "rounded" and not self.begin_rounding():
                return False
            self.progress.stage, self.progress.block, self.progress.index = stage, 0, 0
            self._batches = None
        if self._batches is None:
            self._batches = self.batches(stage, self.progress.block, self.progress.index)
        return True

    def batches(self, stage: str, block: int = 0, index: int = 0) -> Iterator[tuple[int, int, Batch]]:
        taught = None if self.teacher is None else self.teacher[1]
        blocks = Blocks(self.arrays, self.recipe.mixture(stage), stage, self.pieces, taught)
        return stream(blocks, block, index, workers=self.recipe.workers)

    def step(self, passed: float) -> None:
        """Learn from one batch."""
        assert self._batches is not None
        began = time.monotonic()
        rate = self.recipe.rate(passed)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        block, index, batch = next(self._batches)
        batch = {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}
        loss = self.loss(batch)
        value = float(loss.total.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss is {value} at step {self.progress.step + 1}: start anew with a lower --lr or in fp32"
            )
        loss.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        progress = self.progress
        progress.step, progress.block, progress.index = progress.step + 1, block, index
        progress.examples += len(batch["golds"])
        progress.loss = value if progress.loss is None else 0.98 * progress.loss + 0.02 * value
        self.teller.add(loss, examples=len(batch["golds"]), seconds=time.monotonic() - began)
        if self.teller.late:
            self.teller.write(progress, self.passed, rate, self.seconds)
        self.teller.say(progress, self.passed)

    def loss(self, batch: Batch) -> Loss:
        """Of one batch, with the teacher's view of it where there is a teacher."""
        theirs = None
        with lower(self.device, precision=self.precision):
            if self.teacher is not None:
                with torch.no_grad():
                    theirs = aligned(self.teacher[0](**inputs(batch, teacher=True)), batch)
            logits = self.model(**inputs(batch))
        return losses(logits, batch, theirs, self.recipe.objective)

    @torch.no_grad()
    def begin_rounding(self) -> bool:
        """See how far every layer's input spreads, set the scaling by it, and round from now on; False if stopped.

        Weights that were rounded before and not touched since stand on the steps of the scaling they have, and keep it.
        """
        if self.progress.step == 0 and self.model.smoothed:
            self.model.quantise(True)
            self.progress.rounding = True
            return True
        self.model.eval()
        self.model.collect(True)
        for n, (_, _, batch) in enumerate(self.batches("rounded-spread")):
            if n == SPREAD_BATCHES or self.stopping():
                break
            with lower(self.device, precision=self.precision):
                self.model(**inputs({name: tensor.to(self.device) for name, tensor in batch.items()}))
        self.model.collect(False)
        self.model.train()
        if self.stopping():
            return False
        self.model.set_smoothing()
        self.model.quantise(True)
        self.progress.rounding = True
        return True

    def look_again(self) -> None:
        """Evaluate weights that were put in after the end."""
        if self.sample is not None and (figures := self.sample.figures(self.model, self.device)) is not None:
            self.log.add({"step": self.progress.step, "stage": "averaged", "dev": asdict(figures)})
            self.log.draw(self.recipe.name)
            self.teller.say(self.progress, self.passed, figures)

    def look(self, passed: float) -> bool:
        """Evaluate where it is time to; False when asked to stop before it was done."""
        self.model.train()
        due = sum(moment <= passed + 1e-9 for moment in (0.0, *self.recipe.moments))
        if due <= self.progress.looked:
            return True
        figures = None
        if self.sample is not None:
            figures = self.sample.figures(self.model, self.device, stop=self.stopping)
            if figures is None:
                return False
        self.progress.looked = due
        self.teller.write(self.progress, passed, self.recipe.rate(passed), self.seconds)
        if figures is not None:
            self.log.add({"step": self.progress.step, "stage": self.recipe.stage(passed), "dev": asdict(figures)})
            self.log.draw(self.recipe.name)
            self.teller.say(self.progress, self.passed, figures)
        if self.recipe.average and self.progress.rounding:
            self.keep(float(self.progress.step) if figures is None else figures.overall)
        return True

    def keep(self, figure: float) -> None:
        """Keep these weights for the average, and only the best so far."""
        step = self.progress.step
        self.run.write(self.run.snapshot_file(step), self.model.state_dict(), step=step)
        kept = [*(one for one in self.progress.snapshots if one[0] != step), (step, figure)]
        self.progress.snapshots = sorted(kept, key=lambda one: (-one[1], -one[0]))[: self.recipe.average]

"""Training by the clock: sample prepared examples until the time is over, the last part as the 8-bit model computes.

    python -m qa.training.train --base ENCODER --data examples.npz --out FOLDER --minutes 5 [--teacher FOLDER]

The learning rate rises over the first 4 % of the time and falls to zero at its end; from `--quantise-from` on, the
linear layers round as the exported model will. With a teacher, its distributions over the same texts are learnt beside
the golds. Runs on a GPU where there is one. SIGTERM saves and stops; `--base` takes an earlier `--out` to go on from.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from qa.training.model import ReaderModel

Batch = dict[str, Tensor]
MPNET_SHIFT = 4  # MPNet's word pieces are BERT's, four numbers later


class Examples(IterableDataset[Batch]):
    """An endless stream of batches of similar lengths with about `tokens` tokens each."""

    def __init__(self, file: Path, *, tokens: int, longest: int, seed: int) -> None:
        self.file, self.tokens, self.longest, self.seed = file, tokens, longest, seed

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        rng = random.Random(f"{self.seed}-{worker.id if worker else 0}")
        with np.load(self.file) as stored:
            self.arrays = {k: stored[k] for k in stored.files}
        weights = self.arrays["example_weight"].astype(np.float64).cumsum()
        neighbours = self.neighbours()
        while True:
            picks = np.searchsorted(weights, [rng.random() * weights[-1] for _ in range(2000)], side="right")
            made = [self.make(int(n), rng, neighbours) for n in picks]
            made.sort(key=lambda e: len(e[0]) + len(e[1]))
            batches: list[list[Any]] = [[]]
            for e in made:
                if batches[-1] and (len(batches[-1]) + 1) * (len(e[0]) + len(e[1]) + 4) > self.tokens:
                    batches.append([])
                batches[-1].append(e)
            rng.shuffle(batches)
            yield from (self.collate(b) for b in batches)

    def row(self, name: str, n: int) -> NDArray[Any]:
        at = self.arrays[name + "_at"]
        found: NDArray[Any] = self.arrays[name][at[n] : at[n + 1]]
        return found

    def neighbours(self) -> NDArray[np.bool_]:
        article = self.arrays["context_article"]
        return np.append(article[1:] == article[:-1], False)

    def make(
        self, n: int, rng: random.Random, neighbours: NDArray[np.bool_]
    ) -> tuple[NDArray[Any], NDArray[Any], list[tuple[int, int]], list[tuple[int, int]], bool]:
        """One example: question and text tokens, golds and tags in text tokens, and whether its tags are complete."""
        forms = self.row("form", n)
        question = self.row("question", int(forms[0] if len(forms) == 1 or rng.random() < 0.5 else rng.choice(forms)))
        c = int(self.arrays["example_context"][n])
        golds = [(int(s), int(e)) for s, e in self.row("gold", n).reshape(-1, 2)]
        tags = [(int(s), int(e)) for s, e in self.row("tag", n).reshape(-1, 2)]
        complete = bool(tags) or not golds
        negatives = self.row("negative", n)
        if golds and len(negatives) and rng.random() < 0.13:
            c, golds, tags, complete = int(rng.choice(negatives)), [], [], True
        text = self.row("context", c)
        if golds and rng.random() < 0.2:  # the passage before or after, as a window over a document has it
            if rng.random() < 0.5 and neighbours[c]:
                text = np.concatenate([text, self.row("context", c + 1)])
            elif c > 0 and neighbours[c - 1]:
                before = self.row("context", c - 1)
                golds = [(s + len(before), e + len(before)) for s, e in golds]
                tags = [(s + len(before), e + len(before)) for s, e in tags]
                text = np.concatenate([before, text])
        room = self.longest - len(question) - 4
        size = min(room, rng.randint(50, 200) if rng.random() < 0.35 else room)
        if len(text) > size:
            spans = tags if len(tags) > 1 else golds
            if spans:
                low, high = min(s for s, _ in spans), max(e for _, e in spans)
                if high - low >= size:  # not all fit: keep the part round one of them
                    low, high = rng.choice(spans)
                begin = rng.randint(max(0, high - size + 1), max(max(0, high - size + 1), min(low, len(text) - size)))
            else:
                begin = rng.randint(0, len(text) - size)
            text = text[begin : begin + size]
            golds = [(s - begin, e - begin) for s, e in golds if s >= begin and e < begin + size]
            tags = [(s - begin, e - begin) for s, e in tags if s >= begin and e < begin + size]
        return question, text, golds, tags, complete

    @staticmethod
    def collate(batch: list[Any]) -> Batch:
        longest = max(len(q) + len(t) + 4 for q, t, *_ in batch)
        longest = -(-longest // 8) * 8 - 1  # with MPNet's one more, a multiple of 8
        shape = (len(batch), longest)
        ids, context = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        mask = np.zeros(shape, np.int64)
        starts, ends = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        tags = np.full(shape, -100, np.int64)
        for r, (question, text, golds, items, complete) in enumerate(batch):
            first, last = len(question) + 2, len(question) + 2 + len(text)
            ids[r, 0], ids[r, first - 1], ids[r, last] = 101, 102, 102
            ids[r, 1 : first - 1], ids[r, first:last] = question, text
            mask[r, : last + 1] = 1
            context[r, first:last] = True
            for s, e in golds:
                starts[r, first + s] = ends[r, first + e] = True
            if not golds:
                starts[r, 0] = ends[r, 0] = True
            if complete:
                tags[r, first:last] = 0
                for s, e in items:
                    tags[r, first + s : first + e + 1] = 2
                    tags[r, first + s] = 1
        arrays = {"ids": ids, "mask": mask, "context": context, "starts": starts, "ends": ends, "tags": tags}
        return {k: torch.from_numpy(v) for k, v in arrays.items()}


def feed(model: ReaderModel, batch: Batch) -> dict[str, Tensor]:
    """A batch in BERT's numbers as this encoder takes it."""
    ids, mask = batch["ids"], batch["mask"]
    if model.is_bert:
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": second_part(batch)}
    # <s> question </s></s> text </s>: one separator more, so everything after the first moves by one
    first = batch["context"].int().argmax(1)
    wide = functional.pad(ids, (0, 1))
    place = torch.arange(wide.shape[1], device=ids.device)[None]
    source = torch.where(place >= first[:, None], place - 1, place)
    shifted = torch.gather(wide, 1, source.clamp(min=0))
    long_mask = torch.cat([torch.ones_like(mask[:, :1]), mask], 1)
    special = (shifted == 101) & (place == 0)
    out = torch.where(shifted == 102, 2, shifted + MPNET_SHIFT)
    out = torch.where(special, 0, out)
    return {"input_ids": torch.where(long_mask == 1, out, 1), "attention_mask": long_mask}


def second_part(batch: Batch) -> Tensor:
    """1 for the text and the separator after it."""
    context = batch["context"].long()
    after = functional.pad(context, (1, 0))[:, :-1]
    return ((context + after) > 0).long() * batch["mask"]


def aligned(model: ReaderModel, logits: Tensor, batch: Batch) -> Tensor:
    """Logits put back to the places that `batch` counts, without the extra separator."""
    if model.is_bert:
        return logits.float()
    first = batch["context"].int().argmax(1)
    place = torch.arange(batch["ids"].shape[1], device=logits.device)[None]
    source = torch.where(place >= first[:, None], place + 1, place)
    return torch.gather(logits.float(), 1, source[:, :, None].expand(-1, -1, logits.shape[2]))


def losses(logits: Tensor, batch: Batch, teacher: Tensor | None, *, tag_weight: float, taught: float) -> Tensor:
    """Any gold start, any gold end (marginal likelihood), every tag; beside a teacher, its distributions too."""
    allowed = batch["context"].clone()
    allowed[:, 0] = True
    total = logits.new_zeros(())
    for column, golds in ((0, batch["starts"]), (1, batch["ends"])):
        scores = logits[..., column].masked_fill(~allowed, -1e4)
        everything = scores.logsumexp(1)
        gold = scores.masked_fill(~golds, -1e4).logsumexp(1)
        hard = (everything - gold).mean() / 2
        if teacher is None:
            total = total + hard
            continue
        target = teacher[..., column].masked_fill(~allowed, -1e4).log_softmax(1)
        soft = functional.kl_div(scores.log_softmax(1), target, log_target=True, reduction="batchmean") / 2
        total = total + (1 - taught) * hard + taught * soft
    rows = max(1, logits.shape[0])
    tag = functional.cross_entropy(
        logits[..., 2:].flatten(0, 1), batch["tags"].flatten(), ignore_index=-100, reduction="sum"
    )
    total = total + tag_weight * (tag if teacher is None else (1 - taught) * tag) / rows
    if teacher is not None:
        inside = batch["context"]
        soft_tag = functional.kl_div(
            logits[..., 2:][inside].log_softmax(1),
            teacher[..., 2:][inside].log_softmax(1),
            log_target=True,
            reduction="sum",
        )
        total = total + tag_weight * taught * soft_tag / rows
    return total


def save(model: ReaderModel, folder: Path, state: dict[str, Any]) -> None:
    """Weights first, then the state that says they are whole."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "weights.part"
    torch.save(model.state_dict(), part)
    part.replace(folder / "weights.pt")
    model.config.save_pretrained(folder)
    (folder / "state.json").write_text(json.dumps(state))


def load(folder: Path) -> ReaderModel:
    """A model as `save` left it."""
    model = ReaderModel.from_config(folder)
    model.load_state_dict(torch.load(folder / "weights.pt", map_location="cpu"))
    return model


def train(options: argparse.Namespace) -> ReaderModel:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    torch.backends.cuda.enable_cudnn_sdp(False)  # it compiles anew for every batch shape
    model = (
        load(Path(options.base))
        if (Path(options.base) / "weights.pt").exists()
        else ReaderModel.from_folder(options.base)
    ).to(device)
    teacher = load(Path(options.teacher)).to(device).eval() if options.teacher else None
    if teacher is not None:
        teacher.to(torch.bfloat16 if device.type == "cuda" else torch.float32)
    decayed = [p for n, p in model.named_parameters() if p.ndim > 1 and "LayerNorm" not in n]
    plain = [p for n, p in model.named_parameters() if p.ndim <= 1 or "LayerNorm" in n]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.98), fused=device.type == "cuda")
    examples = Examples(options.data, tokens=options.batch_tokens, longest=options.longest, seed=options.seed)
    workers = options.workers
    stream = DataLoader(
        examples,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=8 if workers else None,
        pin_memory=device.type == "cuda",
    )
    stop = False

    def ask_to_stop(*_: object) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    model.train()
    step, seen, loss_mean = 0, 0, math.nan
    quantising = False
    batches = iter(stream)
    first = next(batches)
    began = told = time.monotonic()
    while not stop:
        passed = (time.monotonic() - began) / 60 / options.minutes
        if passed >= 1:
            break
        if not quantising and passed >= options.quantise_from:
            calibrate(model, batches, device, fp32=options.fp32)
            model.quantise(True)
            quantising = True
            model.train()
        rate = options.lr * min(1.0, (passed + 1e-3) / 0.04) * max(0.01, 1 - passed)
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = {k: v.to(device, non_blocking=True) for k, v in (first if step == 0 else next(batches)).items()}
        target = None
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=not options.fp32):
            if teacher is not None:
                with torch.no_grad():
                    target = aligned(teacher, teacher(**feed(teacher, batch)), batch)
            logits = aligned(model, model(**feed(model, batch)), batch)
        loss = losses(logits, batch, target, tag_weight=options.tag_weight, taught=options.taught)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step, seen = step + 1, seen + len(logits)
        if step % 50 == 0:
            value = float(loss.detach())
            loss_mean = value if math.isnan(loss_mean) else 0.8 * loss_mean + 0.2 * value
        if time.monotonic() - told > options.tell_every:
            told = time.monotonic()
            print(
                f"step {step} loss {loss_mean:.3f} {seen / (told - began):.0f} examples/s {100 * passed:.0f} %"
                f"{' 8-bit' if quantising else ''}",
                flush=True,
            )
    print(f"{seen} examples in {step} steps", flush=True)
    save(model, Path(options.out), {"step": step, "examples": seen, "quantised": quantising})
    return model


@torch.no_grad()
def calibrate(
    model: ReaderModel, batches: Iterator[Batch], device: torch.device, *, count: int = 24, fp32: bool = False
) -> None:
    """See the spread of every layer's input, then set the per-channel scaling."""
    model.eval()
    model.collect(True)
    for _ in range(count):
        batch = {k: v.to(device) for k, v in next(batches).items()}
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=not fp32):
            model(**feed(model, batch))
    model.collect(False)
    model.set_smoothing()


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--base", required=True, help="an encoder, a question-answering checkpoint, or an earlier --out")
    p.add_argument("--data", required=True, type=Path, help="what qa.training.prepare wrote")
    p.add_argument("--out", required=True, type=Path)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--teacher", help="the --out of a larger reader")
    p.add_argument("--taught", type=float, default=0.7, help="share of the loss that is the teacher's")
    p.add_argument("--lr", type=float, default=5e-5)
    p.add_argument("--batch-tokens", type=int, default=14_000)
    p.add_argument("--longest", type=int, default=384)
    p.add_argument("--quantise-from", type=float, default=0.75, help="share of the time after which layers round")
    p.add_argument("--tag-weight", type=float, default=0.12)
    p.add_argument("--workers", type=int, default=0)
    p.add_argument("--tell-every", type=float, default=15, metavar="SECONDS")
    p.add_argument("--fp32", action="store_true", help="bf16 is faster where the processor or GPU has it")
    p.add_argument("--seed", type=int, default=0)
    return p


if __name__ == "__main__":
    train(parser().parse_args())

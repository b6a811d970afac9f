"""Which number format this machine trains faster in, found by trying."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor

from qa.training.errors import TrainingError
from qa.training.layout import Batch, inputs
from qa.training.model import ReaderModel

TRIED_TOKENS = 1000
"""Enough for matrices to be as large as they get; a careful reader takes two seconds for them on two cores."""
GAIN = 0.9
"""bf16 loses digits, so it has to be a tenth faster, and a close race does not change a run's result by chance."""


def open_device(wanted: str) -> torch.device:
    """Raises: `TrainingError` where a GPU is asked for and there is none."""
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainingError("--device cuda needs a GPU that torch can use, and there is none: leave it out for the CPU")
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


def lower(device: torch.device, *, precision: str) -> AbstractContextManager[object]:
    """Within it, matrices are multiplied in `precision`."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def faster(model: ReaderModel, batch: Batch, device: torch.device) -> tuple[str, dict[str, float]]:
    """ "bf16" or "fp32", and the seconds that each took for the same tokens, forward and backward."""
    wide = batch["input_ids"].shape[1]
    rows = max(1, TRIED_TOKENS // wide)
    small = {name: tensor[:rows].to(device) for name, tensor in inputs(batch).items()}
    seconds = {name: _seconds(model, small, device, name) for name in ("fp32", "bf16")}
    return ("bf16" if seconds["bf16"] < GAIN * seconds["fp32"] else "fp32"), seconds


def _seconds(model: ReaderModel, small: dict[str, Tensor], device: torch.device, precision: str) -> float:
    model.train()
    # Processor time, which others on the machine do not stretch as they do time on the clock.
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    took = []
    for _ in range(3):  # the first one sets things up
        began = clock()
        with lower(device, precision=precision):
            model(**small).float().sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize()
        took.append(clock() - began)
        model.zero_grad(set_to_none=True)
    return round(min(took[1:]), 4)


@contextmanager
def settings(device: torch.device, threads: int | None) -> Iterator[None]:
    """What belongs to the whole process, put back afterwards."""
    before, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    if threads is not None:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cuda.enable_cudnn_sdp(False)  # it compiles anew for every batch shape
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_float32_matmul_precision(precision)

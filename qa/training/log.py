"""What a run tells: a line of JSON now and then, kept in step with the state, and curves drawn from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qa.training.curves import draw
from qa.training.errors import TrainingError

Line = dict[str, Any]


class Log:
    """JSON Lines. A line with `loss` tells of training, one with `dev` of an evaluation; both have `step`."""

    def __init__(self, file: Path, curves: Path) -> None:
        self.file, self.curves = file, curves

    def rewind(self, step: int) -> None:
        """Drop what was told of steps after `step`, which are about to be done again."""
        kept = [line for line in self.lines() if line["step"] <= step]
        part = self.file.with_name(self.file.name + ".part")
        self._write(part, "".join(json.dumps(line) + "\n" for line in kept), mode="w")
        part.replace(self.file)

    def add(self, line: Mapping[str, Any]) -> None:
        """Raises: `TrainingError` where it cannot be written."""
        self._write(self.file, json.dumps(line) + "\n", mode="a")

    def lines(self) -> list[Line]:
        """All lines, oldest first; one cut by a power failure is left out."""
        try:
            told = self.file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in told:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [line for line in found if isinstance(line, dict) and isinstance(line.get("step"), int)]

    def draw(self, title: str) -> None:
        """Draw the curves anew."""
        self._write(self.curves, draw(self.lines(), title=title), mode="w")

    def _write(self, file: Path, text: str, *, mode: str) -> None:
        try:
            with file.open(mode, encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            raise TrainingError(
                f"{str(file)!r} cannot be written ({error.strerror}): free some space and run the same command again"
            ) from error

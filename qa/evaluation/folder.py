"""A run's folder: what it is a run of, its rows as they come, its files when it is done.

Rows are appended one by one, so that a run that was killed goes on where it stopped; every other file is written whole
and renamed into place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qa.evaluation.errors import RunError

FORMAT = 1
_RUN, _ROWS = "run.json", "predictions.jsonl"
FILES = (
    _RUN, _ROWS, "metrics.json", "predictions_squad.json", "na_prob.json", "predictions.csv", "report.html",
)  # fmt: skip
_FIELDS = {"id", "question", "outcome", "forced", "strict", "lenient", "confidence"}


class RunFolder:
    """The folder `path`; nothing is written before `begin`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, identity: Mapping[str, Any], *, fresh: bool = False) -> set[str]:
        """Make the folder for a run of `identity` and return the ids of the questions that it holds already.

        Raises: `RunError` where the folder holds another run, unless `fresh`, or something that is no run at all.
        """
        stored = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if (self.path / _RUN).exists():
                stored = self.about()
                if not isinstance(stored.get("identity"), dict):
                    raise RunError(f"{self._name} has a {_RUN} that is not of a run: name a new or an empty folder")
            elif any(self.path.iterdir()):
                raise RunError(f"{self._name} holds other things than a run: name a new or an empty folder")
            wanted = {"format": FORMAT, **_plain(identity)}
            if stored is not None and not fresh:
                differing = [name for name in wanted if wanted[name] != stored["identity"].get(name)]
                if differing:
                    raise RunError(
                        f"{self._name} holds a run with other {' and '.join(differing)}: "
                        "name another folder, or start afresh with --fresh"
                    )
            if stored is None or fresh:
                for name in FILES:
                    (self.path / name).unlink(missing_ok=True)
                self.write(_RUN, to_json({"identity": wanted}))
            return self._mend()
        except OSError as error:
            raise RunError(f"{self._name} cannot be written ({error.strerror}): name another folder") from error

    def models_are(self, models: Mapping[str, Any]) -> None:
        """Note the models that answer. Raises: `RunError` where earlier rows are by other ones."""
        stored = self.about()
        wanted = _plain(models)
        if stored.setdefault("models", wanted) != wanted:
            raise RunError(
                f"{self._name} was begun with other models: name another folder, or start afresh with --fresh"
            )
        self.write(_RUN, to_json(stored))

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row, whole or, if the process dies, not at all once mended."""
        line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
        with (self.path / _ROWS).open("ab") as file:
            file.write(line.encode("utf-8"))

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, in the order they were written. Raises: `RunError` where they cannot be read."""
        file = self.path / _ROWS
        number = 0
        try:
            with file.open("rb") as lines:
                for line in lines:
                    number += 1
                    row = json.loads(line)
                    if not row.keys() >= _FIELDS:
                        raise KeyError("fields")
                    yield row
        except FileNotFoundError as error:
            raise RunError(f"{self._name} holds no run: there is no {_ROWS} in it") from error
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise RunError(f"{str(file)!r}, line {number} cannot be read: run the evaluation again") from error

    def about(self) -> dict[str, Any]:
        """`run.json`. Raises: `RunError` where it cannot be read."""
        return self._json(_RUN)

    def metrics(self) -> dict[str, Any]:
        """`metrics.json`. Raises: `RunError` where it cannot be read, as when the run was not finished."""
        return self._json("metrics.json")

    def write(self, name: str, content: str) -> None:
        """Write a file whole: whoever reads it sees the old one or the new one."""
        unfinished = self.path / f".{name}.new"
        unfinished.write_text(content, encoding="utf-8", newline="")
        unfinished.replace(self.path / name)

    def finish(self, **added: Any) -> None:
        """Add what became known to `run.json`."""
        self.write(_RUN, to_json({**self.about(), **_plain(added)}))

    @property
    def _name(self) -> str:
        return repr(str(self.path))

    def _json(self, name: str) -> dict[str, Any]:
        file = self.path / name
        try:
            stored = json.loads(file.read_bytes())
        except FileNotFoundError as error:
            raise RunError(f"{self._name} holds no finished run: there is no {name} in it") from error
        except (OSError, ValueError) as error:
            raise RunError(f"{str(file)!r} cannot be read: run the evaluation again") from error
        if not isinstance(stored, dict):
            raise RunError(f"{str(file)!r} is not what a run writes: run the evaluation again")
        return stored

    def _mend(self) -> set[str]:
        """Cut off what a killed process left half-written, and return the ids of the whole rows."""
        file = self.path / _ROWS
        done: set[str] = set()
        if not file.exists():
            return done
        whole = 0
        with file.open("rb+") as lines:
            for line in lines:
                try:
                    if not line.endswith(b"\n"):
                        break
                    done.add(json.loads(line)["id"])
                except (ValueError, KeyError, TypeError):
                    break
                whole += len(line)
            lines.truncate(whole)
        return done


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_json(value: Any) -> str:
    """JSON for people to read, with a line end; the same value is always the same text."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))

"""Predictions in other forms: as SQuAD's official script reads them, and as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from qa.evaluation.folder import RunFolder

_COLUMNS = ("id", "document", "kind", "question", "answer", "right answer", "outcome", "lost at", "confidence", "f1")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_squad(folder: RunFolder) -> None:
    """`predictions_squad.json`, id → text and "" for no answer, and `na_prob.json`, id → the chance of no answer."""
    folder.write("predictions_squad.json", "".join(_pairs(folder, lambda row: row["squad_text"])))
    folder.write("na_prob.json", "".join(_pairs(folder, lambda row: 1 - row["p_answerable"])))


def write_csv(folder: RunFolder) -> None:
    """`predictions.csv`, one question a row, UTF-8 with a mark so that spreadsheets read it right.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front, and stays text.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for row in folder.rows():
        right = row["squad_golds"][0] if row["squad_golds"] else ""
        cells = [row["id"], row["document"] or "", row["kind"], row["question"], "; ".join(row["items"]), right]
        numbers = [f"{row['confidence']:.4f}", f"{row['f1']:.4f}"]
        writer.writerow([*map(as_text, cells), row["outcome"], row["lost"], *numbers])
    folder.write("predictions.csv", "\ufeff" + target.getvalue())


def as_text(cell: str) -> str:
    """The cell, so that no spreadsheet reads it as a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _pairs(folder: RunFolder, value: object) -> Iterator[str]:
    assert callable(value)
    yield "{"
    for number, row in enumerate(folder.rows()):
        yield f"{',' * (number > 0)}\n{json.dumps(row['id'])}: {json.dumps(value(row), ensure_ascii=False)}"
    yield "\n}\n"

"""Untrusted JSON values to checked ones: every reader of rows goes through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qa.evaluation.types import Alternative, Place

LONGEST = 10_000_000  # characters in one field: beyond this a file is damaged rather than long


class FieldError(ValueError):
    """A value that cannot be used, with the path to it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def text(row: Mapping[str, Any], field: str, *, path: str = "", optional: bool = False) -> str:
    """The string in `field`, not blank; "" where it is missing, null or blank and `optional`."""
    value = row.get(field)
    name = path + field
    if value is None and optional:
        return ""
    if value is None:
        raise FieldError(name, "is missing: a text is needed")
    if not isinstance(value, str):
        raise FieldError(name, f"is {_kind(value)}: a text is needed")
    if len(value) > LONGEST:
        raise FieldError(name, f"has {len(value)} characters: {LONGEST} at most")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FieldError(name, f"holds half a character at {error.start}: well-formed Unicode is needed") from None
    if not value.strip():
        if optional:
            return ""
        raise FieldError(name, "is blank: a text is needed")
    return value


def texts(row: Mapping[str, Any], field: str, *, path: str = "") -> tuple[str, ...]:
    """The list of strings in `field`, blank ones left out; empty where it is missing or null."""
    found = (text({"": one}, "", path=f"{path}{field}[{at}]", optional=True) for at, one in _list(row, field, path))
    return tuple(one for one in found if one)


def flag(row: Mapping[str, Any], field: str, *, default: bool) -> bool:
    """The true or false in `field`; `default` where it is missing or null."""
    value = row.get(field)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise FieldError(field, f"is {_kind(value)}: true or false is needed")
    return value


def identity(row: Mapping[str, Any], *, path: str = "", default: str | None = None) -> str:
    """The row's `id`: a text, or a whole number, which becomes one."""
    value = row.get("id")
    if value is None:
        value = default
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 64:
        return str(value)
    return text({"id": value}, "id", path=path)


def places(row: Mapping[str, Any], field: str, *, path: str = "") -> tuple[Place, ...]:
    """The list of `{"text", "start", "end"}` in `field`; empty where it is missing or null."""
    return tuple(_place(one, f"{path}{field}[{at}]") for at, one in _list(row, field, path))


def alternatives(row: Mapping[str, Any], field: str = "answers") -> tuple[Alternative, ...]:
    """The list of `{"spans", "aliases"}` in `field`; each holds at least one of either."""
    found = []
    for at, one in _list(row, field, ""):
        path = f"{field}[{at}]."
        if not isinstance(one, Mapping):
            raise FieldError(path[:-1], f'is {_kind(one)}: {{"spans": […], "aliases": […]}} is needed')
        alternative = Alternative(spans=places(one, "spans", path=path), aliases=texts(one, "aliases", path=path))
        if not alternative.spans and not alternative.aliases:
            raise FieldError(f"{path}spans", "is empty and there are no aliases: a right answer is needed")
        found.append(alternative)
    return tuple(found)


def mapping(value: object, path: str) -> Mapping[str, Any]:
    """`value` as a JSON object."""
    if not isinstance(value, Mapping):
        raise FieldError(path, f"is {_kind(value)}: an object is needed")
    return value


def _place(value: object, path: str) -> Place:
    row = mapping(value, path)
    words = text(row, "text", path=f"{path}.")
    start, end = (_offset(row, name, path) for name in ("start", "end"))
    if start is None or end is None:
        if start is not end:
            raise FieldError(f"{path}.{'start' if start is None else 'end'}", "is missing: give both offsets or none")
        return Place(text=words)
    if end - start != len(words):
        raise FieldError(f"{path}.end", f"is {end}: {len(words)} characters from {start} end at {start + len(words)}")
    return Place(text=words, start=start, end=end)


def _offset(row: Mapping[str, Any], name: str, path: str) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FieldError(f"{path}.{name}", f"is {_kind(value)}: a whole number from 0 is needed")
    return value


def _list(row: Mapping[str, Any], field: str, path: str) -> enumerate[Any]:
    value = row.get(field)
    if value is None:
        value = []
    if not isinstance(value, list):
        raise FieldError(path + field, f"is {_kind(value)}: a list is needed")
    return enumerate(value)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value)) or (f"the number {value!r}"[:40] if isinstance(value, int | float) else "odd")

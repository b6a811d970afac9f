"""Every setting in one frozen object; the only module that reads the environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

Depth = Literal["quick", "careful"]
ARTICLE = "kim_leaves_russia.txt"


def default_cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """`$XDG_CACHE_HOME/spanwise`, or `~/.cache/spanwise` where that variable is unset or not absolute (XDG 0.8)."""
    environ = os.environ if environ is None else environ
    base = Path(environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "spanwise"


def seed_article() -> Path:
    """The article that answers when no other document is named: beside the package when installed, else in seeds/."""
    here = Path(__file__).resolve().parent
    installed = here / "seeds" / ARTICLE
    return installed if installed.is_file() else here.parent / "seeds" / ARTICLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an assistant and its server are set up with. Each bad value is a `ValueError` that names it.

    `depth` is how much reading a question gets: "quick" by the small reader alone, "careful" with the careful reader
    deciding. `threshold` in [0, 1] is the least confidence to answer with, None for the calibrated one. `top_k` is how
    many passages are read. `embedder` and `reader` are a model's name or path, None for the built-in one. `port` 0
    takes a free one. `threads` is how many each model runs on, None for as many as there are cores.
    """

    depth: Depth = "careful"
    threshold: float | None = None
    top_k: int = 10  # of about 100 tokens each: a short document is read whole, a long one where it matters
    cache_dir: Path = field(default_factory=default_cache_dir)
    embedder: str | None = None
    reader: str | None = None
    host: str = "127.0.0.1"  # strangers are let in only when asked to
    port: int = 7860  # where users of Gradio look first
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.depth not in get_args(Depth):
            raise ValueError(f"depth is {self.depth!r}: say {' or '.join(get_args(Depth))}")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold is {self.threshold!r}: a probability from 0 to 1 is needed")
        if not 1 <= self.top_k <= 1000:
            raise ValueError(f"top_k is {self.top_k!r}: a number of passages from 1 to 1000 is needed")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port is {self.port!r}: a number from 0 to 65535 is needed")
        if not self.host.strip():
            raise ValueError("host is empty: name an address to listen on, such as 127.0.0.1")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads is {self.threads!r}: at least 1 is needed")
        for name in ("embedder", "reader"):
            if getattr(self, name) == "":
                raise ValueError(f"{name} is empty: name a model or leave it out for the built-in one")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `SPANWISE_` and a field's name in capitals: `SPANWISE_DEPTH`, `SPANWISE_CACHE_DIR` and so on.

        An unset or empty variable leaves the default. Raises: `ValueError` naming the variable.
        """
        environ = os.environ if environ is None else environ
        given: dict[str, object] = {"cache_dir": default_cache_dir(environ)}
        for name, convert in _CONVERT.items():
            variable = f"SPANWISE_{name.upper()}"
            value = environ.get(variable, "").strip()
            if not value:
                continue
            try:
                given[name] = convert(value)
            except ValueError:
                kind = "whole number" if convert is int else "number"
                raise ValueError(f"{variable} is {value!r}: a {kind} is needed") from None
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(f"in the environment: SPANWISE_{_first_word_upper(str(error))}") from None

    def index_folder(self, paths: Sequence[str | os.PathLike[str]]) -> Path:
        """The cache folder for the index of these documents: the same for the same contents, names and embedder.

        A file that cannot be read still has its place in the key; reading it in earnest is what reports it.
        """
        key = hashlib.sha256(repr(self.embedder).encode())
        for path in map(Path, paths):
            key.update(b"\0" + os.fsencode(path.name) + b"\0")  # the label that citations show
            try:
                if path.is_file():
                    with path.open("rb") as file:
                        key.update(hashlib.file_digest(file, "sha256").digest())
            except OSError:
                continue
        return self.cache_dir / "indexes" / key.hexdigest()[:24]


def _first_word_upper(message: str) -> str:
    name, space, rest = message.partition(" ")
    return name.upper() + space + rest


_CONVERT: dict[str, Callable[[str], object]] = {
    "depth": str,
    "threshold": float,
    "top_k": int,
    "cache_dir": lambda value: Path(value).expanduser(),
    "embedder": str,
    "reader": str,
    "host": str,
    "port": int,
    "threads": int,
}

"""Every setting in one frozen object; the only module that reads the environment."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

Depth = Literal["quick", "careful"]
Correctable = Literal["documents", "uploads", "nothing"]
ARTICLE = "kim_leaves_russia.txt"
SHORTEST_KEY = 16  # characters: what is shorter can be guessed
_DEFAULT_PORTS = {"http": 80, "https": 443}
_RATE = re.compile(r"[1-9]\d{0,6}/(second|minute|hour|day)", re.ASCII)
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


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
    deciding. `threshold` in [0, 1] is the least confidence to answer with, None for the calibrated one; `risk` in its
    place is the greatest share of wrong answers, from which the threshold follows. `calibration` is a file that
    `spanwise calibrate` wrote, None for what the reader brings. `top_k` is how many passages are read. `embedder` and
    `reader` are a model's name or path, None for the built-in one. `port` 0 takes a free one. `threads` is how many
    each model runs on, None for as many as there are cores.

    `origins` are the sites whose pages may call the API and show the widget, such as "https://news.example"; nobody
    else's may. `framed_by` are the sites that may show the whole chat in a frame. `api_keys` let programs in; whether
    one is needed says `require_key`, None for "where other machines can reach the server". `rate` is how often one
    caller may ask, such as "60/minute", or "off"; `answers_at_once` how many questions are read at the same time and
    `waiting_room` how many may wait. Behind a proxy `root_path` is the path prefix that visitors see, and
    `trusted_proxies` are the addresses or networks whose forwarded headers are believed.

    `corrections` is the question file that the chat's corrections go to, None for one in `cache_dir`; `correctable`
    says whose: those of answers about the operator's "documents", about visitors' own "uploads" too, or of "nothing".
    `evaluate_page` is whether visitors may run question sets, None for "where only this machine can reach the server".
    """

    depth: Depth = "careful"
    threshold: float | None = None
    risk: float | None = None
    calibration: Path | None = None
    top_k: int = 10  # of up to 200 tokens each: a short document is read whole, a long one where it matters
    cache_dir: Path = field(default_factory=default_cache_dir)
    embedder: str | None = None
    reader: str | None = None
    host: str = "127.0.0.1"  # strangers are let in only when asked to
    port: int = 7860  # where users of Gradio look first
    threads: int | None = None
    origins: tuple[str, ...] = ()
    framed_by: tuple[str, ...] = ()
    api_keys: tuple[str, ...] = field(default=(), repr=False)  # never in a log
    require_key: bool | None = None
    rate: str = "120/minute"  # a person asks a few questions a minute; an office may share one address
    answers_at_once: int = 4  # more would share the same cores
    waiting_room: int = 48  # about a quarter of a minute on two cores; who waits longer has left
    root_path: str = ""
    trusted_proxies: tuple[str, ...] = ()
    corrections: Path | None = None
    correctable: Correctable = "documents"  # what visitors bring is theirs
    evaluate_page: bool | None = None

    def __post_init__(self) -> None:
        if self.depth not in get_args(Depth):
            raise ValueError(f"depth is {self.depth!r}: say {' or '.join(get_args(Depth))}")
        if self.correctable not in get_args(Correctable):
            raise ValueError(f"correctable is {self.correctable!r}: say {' or '.join(get_args(Correctable))}")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold is {self.threshold!r}: a probability from 0 to 1 is needed")
        if self.risk is not None and not 0.0 < self.risk < 1.0:
            raise ValueError(f"risk is {self.risk!r}: a share of wrong answers between 0 and 1 is needed, such as 0.05")
        if self.risk is not None and self.threshold is not None:
            raise ValueError("risk and threshold are both given: the threshold follows from the risk, so say one")
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
        for name in ("origins", "framed_by"):
            sites = dict.fromkeys(normal_origin(each, name=name) for each in getattr(self, name))
            object.__setattr__(self, name, tuple(sites))
        for key in self.api_keys:
            if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
                raise ValueError(
                    f"api_keys holds a key of {len(key)} characters: at least {SHORTEST_KEY} are needed, "
                    "all of them printable ASCII without spaces"
                )
        if self.rate != "off" and not _RATE.fullmatch(self.rate):
            raise ValueError(f'rate is {self.rate!r}: say such as "60/minute" (second, minute, hour or day), or "off"')
        for name in ("answers_at_once", "waiting_room"):
            least = 1 if name == "answers_at_once" else 0
            if not least <= getattr(self, name) <= 10_000:
                raise ValueError(f"{name} is {getattr(self, name)!r}: a number from {least} to 10000 is needed")
        if not _ROOT_PATH.fullmatch(self.root_path) or "." in self.root_path.split("/") or ".." in self.root_path:
            raise ValueError(
                f"root_path is {self.root_path!r}: a path such as /ask is needed, without a slash at its end"
            )
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:
                raise ValueError(
                    f"trusted_proxies holds {proxy!r}: an address or network such as 127.0.0.1 or 10.0.0.0/8 is needed"
                ) from None

    @property
    def on_loopback(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def key_needed(self) -> bool:
        """Whether a program has to show a key to use the API."""
        if self.require_key is not None:
            return self.require_key
        return bool(self.api_keys) or not self.on_loopback

    @property
    def corrections_file(self) -> Path:
        """Where the chat's corrections go."""
        return self.cache_dir / "corrections" / "questions.jsonl" if self.corrections is None else self.corrections

    @property
    def has_evaluate_page(self) -> bool:
        """Whether visitors may run question sets."""
        return self.on_loopback and not self.trusted_proxies if self.evaluate_page is None else self.evaluate_page

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `SPANWISE_` and a field's name in capitals: `SPANWISE_DEPTH`, `SPANWISE_CACHE_DIR` and so on.

        Where one of these is unset or empty, what hosts of Gradio applications set counts (`GRADIO_SERVER_NAME`,
        `GRADIO_SERVER_PORT`, `GRADIO_ROOT_PATH`), else the default. Raises: `ValueError` naming the variable.
        """
        environ = os.environ if environ is None else environ
        given: dict[str, object] = {"cache_dir": default_cache_dir(environ)}
        for name, own in _CONVERT.items():
            ways = [(f"SPANWISE_{name.upper()}", own), *_HOSTS.get(name, ())]
            said = [(way, environ.get(way, "").strip(), convert) for way, convert in ways]
            variable, value, convert = next((each for each in said if each[1]), ("", "", own))
            if not value:
                continue
            try:
                given[name] = convert(value)
            except ValueError:
                kind = "whole number" if convert is int else "yes or no" if convert is _yes else "number"
                raise ValueError(
                    f"{variable} is {value!r}: {'' if convert is _yes else 'a '}{kind} is needed"
                ) from None
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


def normal_origin(origin: str, *, name: str = "origins") -> str:
    """An origin as browsers write it: scheme, host and a port that is not the scheme's own. Raises: `ValueError`."""
    try:
        parts = urlsplit(origin.strip())
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
    except (ValueError, UnicodeError):
        parts, port, host = urlsplit(""), None, ""
    rest = parts.path.rstrip("/") + parts.query + parts.fragment
    if parts.scheme not in _DEFAULT_PORTS or rest or "@" in parts.netloc or not re.fullmatch(r"[a-z0-9.:_-]+", host):
        raise ValueError(
            f"{name} holds {origin!r}: the scheme and host of a site are needed, such as https://news.example"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def read_keys(path: Path) -> tuple[str, ...]:
    """The API keys in a file, one a line; lines that start with # are for people. Raises: `ValueError`, `OSError`."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError:
        raise ValueError(f"{str(path)!r} is not a text file: one API key a line is needed") from None
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys:
        raise ValueError(f"{str(path)!r} holds no API key: one a line is needed")
    return keys


def _yes(value: str) -> bool:
    said = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(value.lower())
    if said is None:
        raise ValueError(value)
    return said


def _several(value: str) -> tuple[str, ...]:
    return tuple(re.split(r"[\s,]+", value.strip(", \t\n")))


def _first_word_upper(message: str) -> str:
    name, space, rest = message.partition(" ")
    return name.upper() + space + rest


_CONVERT: dict[str, Callable[[str], object]] = {
    "depth": str,
    "threshold": float,
    "risk": float,
    "calibration": lambda value: Path(value).expanduser(),
    "top_k": int,
    "cache_dir": lambda value: Path(value).expanduser(),
    "embedder": str,
    "reader": str,
    "host": str,
    "port": int,
    "threads": int,
    "origins": _several,
    "framed_by": _several,
    "api_keys": _several,
    "require_key": _yes,
    "rate": str,
    "answers_at_once": int,
    "waiting_room": int,
    "root_path": str,
    "trusted_proxies": _several,
    "corrections": lambda value: Path(value).expanduser(),
    "correctable": str,
    "evaluate_page": _yes,
}
# What hosts of Gradio applications set.
_HOSTS: dict[str, list[tuple[str, Callable[[str], object]]]] = {
    "host": [("GRADIO_SERVER_NAME", str)],
    "port": [("GRADIO_SERVER_PORT", int)],
    "root_path": [("GRADIO_ROOT_PATH", lambda value: urlsplit(value).path.rstrip("/"))],  # may be a whole address
}

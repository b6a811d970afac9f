"""What a site loads: small, one file, nothing that a strict policy forbids, and the same words in every language."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

SOURCE = (Path(__file__).resolve().parent.parent / "qa" / "web" / "widget" / "spanwise.js").read_text(encoding="utf-8")
CODE = re.sub(r"(?m)^\s*(//|/\*\*|\*).*$", "", SOURCE)


def test_at_most_fifteen_kilobytes_gzipped():
    assert len(gzip.compress(SOURCE.encode("utf-8"), 9, mtime=0)) <= 15_000


def test_one_module_without_dependencies():
    assert not re.search(r"\bimport\b(?!\.meta\.url)|\bexport\b|\brequire\(", CODE)
    assert set(re.findall(r"https?://[\w.]+", CODE)) == {"http://www.w3.org"}, "the namespace of SVG and no host"


def test_nothing_that_a_strict_policy_or_trusted_types_forbid():
    for sink in (
        "innerHTML outerHTML insertAdjacentHTML setHTML DOMParser createContextualFragment document.write eval( srcdoc "
        "Function( cssText <style localStorage sessionStorage document.cookie postMessage"
    ).split():
        assert sink not in CODE, sink
    assert not re.search(r"setAttribute\(\s*\"(style|on\w+)\"|[{,]\s*(style|on[a-z]+):", CODE)


def test_every_language_says_everything():
    words = {
        language: dict.fromkeys(re.findall(r'\b(\w+): (?:"|\[)', body))
        for language, body in re.findall(r"(?ms)^  (\w\w): \{\n(.*?)^  \},", SOURCE)
    }
    assert list(words) == ["en", "ko", "ru", "ar"]
    reasons = {"retrieval", "reader", "threshold"}  # the service says them itself, in English
    for language, said in words.items():
        assert set(said) - {"dir"} == set(words["en"]) | (reasons if language != "en" else set()), language
    holes = {
        language: sorted(re.findall(r"\{\w+\}", body))
        for language, body in re.findall(r"(?ms)^  (\w\w): \{\n(.*?)^  \},", SOURCE)
    }
    assert len({tuple(each) for each in holes.values()}) == 1

"""A coordinated span to its items: "a, b, and c", or a list with a bullet or a number on each line.

Cuts only; whether the parts are items of a list is judged in `parallel`. Works on form alone, with no model and no
vocabulary but English function words. Offsets are `str` indices, half-open.
"""

from __future__ import annotations

import re
from itertools import pairwise

from qa.reading.edges import find_pairs, tidy
from qa.reading.parallel import Part, adds_to, is_pair, is_series, participles

_CONJUNCTION = r"(?:and/or|and|or|nor|as\s+well\s+as|plus)"
_SEPARATOR = re.compile(
    rf"\s*;\s*(?:{_CONJUNCTION}\s+)?|\s*,\s+(?:{_CONJUNCTION}\s+)?|\s+{_CONJUNCTION}\s+|[、，،；]\s*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[ \t]*(?:[-*•·‣▪◦–—][ \t]+|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})[.)][ \t]+)")
_MAX_CHARACTERS = 3000  # far more than a list within a sentence; a bound for hostile text
_LINE = re.compile(r"[^\r\n]+")
_SENTENCE_END = re.compile(r"(?<=\w\w\w)[.!?][\"”’)\]]*\s+[\"“‘(]?[A-Z]")
_INCLUDING = re.compile(r"(?:including|such\s+as|namely)\s+", re.IGNORECASE)
_COLON = re.compile(r":\s+")
_BOTH = re.compile(r"(?:both|either|neither)\s+", re.IGNORECASE)
_COMMON_HEAD = re.compile(
    r"(?:(?:the|two|three|four|five|its|his|her|their)\s+)?(?:[a-z]+\s+){0,3}?(?:[a-z]+s|people|men|women)\s+(?=[A-Z])"
)


def split_items(text: str, start: int, end: int, *, several: bool = False) -> list[tuple[int, int]]:
    """Return the items of `text[start:end]` in reading order; the span itself alone where it is not plainly a list.

    Items do not overlap, lie within the span, and carry neither bullets nor conjunctions. Rather a span is left whole
    than a name, a date or a quotation cut in two. `several` says that the question asks for more than one thing: then
    two plain words joined by "and" are two items as well, which otherwise they are only where their form says so ("40
    new colonies and a fence", not "research and development").
    """
    if not 0 <= start < end <= len(text):
        raise ValueError(f"[{start}, {end}) is not a span of a text of {len(text)} characters")
    for found in (_lines(text, start, end), _coordinated(text, start, end, several)):
        items = [item for part in found if (item := tidy(text, *part)) is not None]
        inside = all(start <= first and after <= end for first, after in items)
        apart = all(one[1] <= two[0] for one, two in pairwise(items))
        if len(items) == len(found) >= 2 and inside and apart:
            return items
    return [(start, end)]


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The entries of a list with a mark on each line; a line without one carries on the entry before it."""
    found: list[tuple[int, int]] = []
    for line in _LINE.finditer(text, max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1, end):
        if line.end() <= start or not line.group().strip():
            continue
        bullet = _BULLET.match(text, line.start(), line.end())
        if bullet is not None and max(start, bullet.end()) < line.end():
            found.append((max(start, bullet.end()), line.end()))
        elif not found:
            if not line.group().rstrip().endswith(":"):
                return []
        elif text.count("\n", found[-1][1], line.start()) > 1:
            return []  # a paragraph of its own: the span is more than a list
        else:
            found[-1] = (found[-1][0], line.end())
    return found


def _coordinated(text: str, start: int, end: int, several: bool) -> list[tuple[int, int]]:
    """The parts between commas, semicolons and conjunctions, where they are items."""
    if end - start > _MAX_CHARACTERS or _SENTENCE_END.search(text, start, end):
        return []
    hidden = find_pairs(text, start, end).inside
    parts = _without_lead_in(text, _cut(text, start, end, hidden), hidden)
    both = _BOTH.match(text, parts[0].start, parts[0].end)
    if both is not None:
        parts[0] = parts[0]._replace(start=both.end())
    parts = _without_common_head(text, _grouped(text, parts))
    if len(parts) == 2:
        good = both is not None or is_pair(text, parts[0], parts[1], several=several, before=start, after=end)
    else:
        good = len(parts) > 2 and is_series(text, parts, before=start)
    return [(part.start, part.end) for part in parts] if good else []


def _cut(text: str, start: int, end: int, hidden: list[tuple[int, int]]) -> list[Part]:
    """Cut at every separator that is not within brackets or quotation marks."""
    parts: list[Part] = []
    begin, joint = start, ""
    for match in _SEPARATOR.finditer(text, start, end):
        if match.start() <= begin or match.end() == end:
            continue
        if any(first < match.end() and after > match.start() for first, after in hidden):
            continue
        parts.append(Part(begin, match.start(), joint))
        begin, joint = match.end(), " ".join(match.group().lower().split())
    parts.append(Part(begin, end, joint))
    return parts


def _without_lead_in(text: str, parts: list[Part], hidden: list[tuple[int, int]]) -> list[Part]:
    """Leave out what introduces the list: "three conditions: …", "gifts, including …"."""
    for n, part in enumerate(parts):
        rest = len(parts) - n  # how many items would be left
        if n and rest >= 2 and (lead := _INCLUDING.match(text, part.start, part.end)):
            return [Part(lead.end(), part.end, ""), *parts[n + 1 :]]
        for colon in _COLON.finditer(text, part.start, part.end):
            if rest >= 2 and not any(first < colon.end() <= after for first, after in hidden):
                return [Part(colon.end(), part.end, ""), *parts[n + 1 :]]
        for lead in _INCLUDING.finditer(text, part.start + 1, part.end):
            if (
                rest >= 3
                and text[lead.start() - 1].isspace()
                and not any(first < lead.end() <= after for first, after in hidden)
            ):
                return [Part(lead.end(), part.end, ""), *parts[n + 1 :]]
    return parts


def _grouped(text: str, parts: list[Part]) -> list[Part]:
    """Join what the strongest kind of separator does not part, and what only adds to the item before it."""
    strongest = ""
    if any(part.joint.startswith((";", "；")) for part in parts):
        strongest = ";；"
    elif parts[-1].joint.startswith(",") and parts[-1].joint != ",":
        strongest = ","
    joined = [parts[0]]
    additions = participles(text, parts) == 1
    complete = False  # a clause behind the last item: what follows is a part of it
    for part in parts[1:]:
        weaker = bool(strongest) and part.joint[0] not in strongest
        adds = adds_to(text, joined[-1], part, participle=additions)
        complete = complete or (adds and joined[-1].joint not in ("", ","))
        if complete or weaker or adds:
            joined[-1] = joined[-1]._replace(end=part.end)
        else:
            joined.append(part)
    return joined


def _without_common_head(text: str, parts: list[Part]) -> list[Part]:
    """Take the common noun off the first of several names: "counties Clare, Galway, and Mayo"."""
    head = _COMMON_HEAD.match(text, parts[0].start, parts[0].end)
    if head is not None and len(parts) > 1 and all(text[part.start].isupper() for part in parts[1:]):
        return [parts[0]._replace(start=head.end()), *parts[1:]]
    return parts

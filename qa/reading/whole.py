"""What a span needs to say what it means: the whole of a compound, the unit of its number, a word with content.

Form only, with closed lists of English function words and of units. Offsets are `str` indices, half-open.
"""

from __future__ import annotations

import re

from index.function_words import FUNCTION_WORDS
from index.text import word_set

_COMPOUND_END = re.compile(r"(?:-[^\W\d_]+)+(?![\w-])")
_LAST_WORD = re.compile(r"(?<![\w-])[a-z]+$")
_UNITS = (
    "ft|feet|foot|inch(?:es)?|miles?|mi|metres?|meters?|m|km|cm|mm|nm|kilometres?|kilometers?|centimetres?|centimeters?"
    "|millimetres?|millimeters?|yards?|acres?|hectares?|ha|leagues?|fathoms?|square(?: (?:miles?|metres?|meters?|feet"
    "|kilometres?|kilometers?|km|mi|ft|m))?|sq(?:\\.? (?:mi|km|ft|m))?|km²|m²|m³|cm²|cm³"
    "|kg|g|mg|kilograms?|kilogrammes?|grams?|grammes?|pounds?|lbs?|ounces?|oz|tonnes?|tons?|stone"
    "|l|ml|cl|litres?|liters?|gallons?|pints?|barrels?|mph|kph|km/h|m/s|knots?|°C|°F|° ?[CF]|K|degrees?(?: (?:Celsius"
    "|Fahrenheit))?|percent|per cent|percentage points?|%|‰|dollars?|euros?|cents?|pence|francs?|yen|yuan|rupees?"
    "|roubles?|rubles?|crowns?|EUR|USD|GBP|volts?|watts?|amperes?|kilowatts?|megawatts?|kWh|kW|MW|GW|Hz|kHz|MHz|GHz"
    "|hertz|bits?|bytes?|kB|MB|GB|TB|seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centur(?:y|ies)"
    "|AD|BC|BCE|CE|a\\.m\\.|p\\.m\\.|am|pm|o[’']clock"
)
_SCALES = "hundred|thousand|million|billion|trillion|dozen"
_SCALE = re.compile(rf"[ \u00a0\u202f-](?:{_SCALES})\b")
_UNIT = re.compile(rf"[ \u00a0\u202f]?(?:{_UNITS})(?![\w²³/-])")
_ENDS_IN_NUMBER = re.compile(r"(?<![\w.,-])[-−+~]?(?:[$€£¥]\s?)?\d+(?:[.,\u202f\u00a0]\d+)*(?:st|nd|rd|th)?$")
_STEM = 4  # letters of a unit by which a question names it: "century" and "centuries"
_NOTHING = FUNCTION_WORDS | word_set(
    "most more less least very much many some any such too also both either neither not later then there here"
)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_ENTRY_MARK = re.compile(r"\(?(?:[a-z]|[ivx]{1,4})[.)]?$|\(?(?:[A-Z]|[IVX]{1,4}|\d{1,3})[.)]$")


def whole(text: str, start: int, end: int, *, question: str = "") -> tuple[int, int]:
    """The span with the rest of its last word, "male" of "male-line", and the scale and unit right behind its number.

    A unit that the question itself names is not needed: "How many years?" is answered by the number. Names and numbers
    are whole without what a hyphen adds ("the Chicago-based firm", "a 27-inch screen").
    """
    if _LAST_WORD.search(text, start, end) and (rest := _COMPOUND_END.match(text, end)):
        return start, rest.end()
    if not _ENDS_IN_NUMBER.search(text, max(start, end - 40), end):
        return start, end
    if scale := _SCALE.match(text, end):
        end = scale.end()
    unit = _UNIT.match(text, end)
    if unit is None or _names(question, unit.group().strip()):
        return start, end
    return start, unit.end()


def _names(question: str, unit: str) -> bool:
    """Whether the question asks for a number of just this: "how many years", not "prize amount pounds"."""
    stem = unit[:_STEM] if unit.isalpha() else unit
    return re.search(rf"\b(?:how|what|which)\b.*\b{re.escape(stem)}", question, re.IGNORECASE | re.DOTALL) is not None


def says_something(text: str, start: int, end: int) -> bool:
    """Whether a span can stand as an item: no mere function words, mark of an entry ("c)") or gloss in brackets."""
    said = text[start:end].strip()
    if said.startswith("(") and said.endswith(")"):
        return False
    words = _WORD.findall(said)
    return any(word.lower() not in _NOTHING for word in words) and _ENTRY_MARK.match(said) is None

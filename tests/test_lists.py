"""Which questions ask for several things, what one reading holds of them, and how the rest is found."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ScriptedReader, finds, passage, reading

from index.types import Passage
from qa.lists import Found, ListRules, asks_for_several, gather, items_of, without
from qa.types import Reading, Span

RULES = ListRules()
HOSTILE = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=()), st.sampled_from("what es?  \n’'-")), max_size=80
)


@pytest.mark.parametrize(
    "question",
    [
        "What gifts did Kim receive?",
        "WHAT GIFTS DID KIM RECEIVE?",
        "What Gifts Did Kim Receive?",
        "what were the gifts",
        "What were his reasons?",
        "Which countries border Uganda?",
        "Which animals live in the park?",
        "Which Germans attended?",
        "Which people attended?",
        "Which women led the party?",
        "What are the main exports?",
        "What are the names of the ministers?",
        "Who were the founders of the company?",
        "Who are the ministers?",
        "Who all came?",
        "What else did he get?",
        "What two cities did he visit?",
        "Which three?",
        "Which different sports are played?",
        "What kinds of weapons did he inspect?",
        "What types of fish live there?",
        "What changes were made?",
        "What causes are named?",
        "What languages are spoken in Uganda?",
        "Whose books were banned?",
        "In which cities did they play?",
        "For which reasons was he fired?",
        "What films has he directed?",
        "What awards and prizes did she win?",
        "Name the three rivers.",
        "Name the rivers that he crossed.",
        "name all lakes",
        "Give me two examples.",
        "List all members of the band.",
        "can you list the airports that cancelled flights",
        "Tell me the names of the ministers.",
        "When did it open? Which cities did it serve?",
        "Which heavily armed groups attacked?",
        "Which three listed buildings burnt?",
        "Which armed groups attacked?",
    ],
)
def test_a_question_for_several_things(question):
    assert asks_for_several(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "what",
        "What did Kim receive?",
        "Who is the president of the United States?",
        "What does the United States export?",
        "How many gifts did Kim receive?",
        "How long were the trains delayed?",
        # words in s that are no plurals
        "What news did he hear?",
        "What was his address?",
        "What is the status of the bill?",
        "What is the basis of the claim?",
        "Which bus goes to Vladivostok?",
        "Which species is the largest?",
        "Which gas is lighter?",
        "Which campus is the largest?",
        "Which lens did he use?",
        "What process was used?",
        "What series did he star in?",
        "What is physics?",
        # names in s
        "What was Texas known for?",
        "Which Thomas was it?",
        "Which Charles was king?",
        "What James Bond film was first?",
        "What Mercedes model is it?",
        "Who was James?",
        # verbs in s
        "What happens at noon?",
        "What causes malaria?",
        "What makes steel strong?",
        "What keeps the train moving?",
        "What kills the fish?",
        "What gives it its colour?",
        "What bothers the writer?",
        "What comes after winter?",
        "Which company makes cars?",
        "What celestial object eluded efforts to measure it?",
        "What major food staple contributes to an increased risk of diseases?",
        "Which river flows through the town?",
        "Which country borders Uganda?",
        # a plural that is not asked for
        "What percentage of voters were women?",
        "Which is the largest of the lakes?",
        "What was the total of all sales?",
        "What is the capital of the Netherlands?",
        "What kind of sports does he play?",
        "Who won the three races?",
        "What gifts did he bring? Who gave the first?",
        "Name the king of the Germans.",
        "Tell me the date.",
        # set phrases
        "Who are you?",
        "What are the odds?",
        "What are the chances of rain?",
        # other languages
        "Welche Geschenke erhielt Kim?",
        "金正恩收到了什么礼物？",
    ],
)
def test_a_question_for_one_thing(question):
    assert not asks_for_several(question)


@given(HOSTILE)
def test_any_text_is_a_question(question):
    assert asks_for_several(question) in (True, False)


@pytest.mark.parametrize(
    "question", ["what " * 5000, "which three " * 3000, "s " * 20_000, "?" * 20_000, "a-" * 20_000]
)
def test_a_long_question_is_judged_at_once(question):
    asks_for_several(question)


# What one reading holds

TEXT = "The governor gave Kim five drones, a warm vest and a train set."


def words(found: Reading, **options: bool) -> list[str]:
    return [found.passage.text[item.start : item.end] for item in items_of(found, RULES, **options)]


def test_tagged_words_are_items_in_reading_order():
    tags = {"a train set": 3.0, "five drones": 2.0, "a warm vest": 1.0}
    assert words(reading(passage(TEXT), {}, tags=tags)) == ["five drones", "a warm vest", "a train set"]


def test_tags_below_the_bar_are_no_items():
    assert words(reading(passage(TEXT), {}, tags={"five drones": RULES.tag, "train set": RULES.tag - 0.01})) == [
        "five drones"
    ]


def test_pieces_of_a_word_tagged_apart_are_one_item():
    text = "They saw a fighter jet and a well-known singer."
    tags = {"a fighter": 2.0, "jet": 1.0, "a well": 1.0, "known singer": 3.0}
    found = items_of(reading(passage(text), {}, tags=tags), RULES)
    assert [text[item.start : item.end] for item in found] == ["a fighter jet", "a well-known singer"]
    assert [item.score for item in found] == [2.0, 3.0]


def test_a_further_span_is_an_item_where_it_clears_the_bar():
    spans = {"five drones": RULES.span, "Kim": RULES.span - 0.01}
    assert words(reading(passage(TEXT), spans)) == ["five drones"]
    assert words(reading(passage(TEXT), spans, null=1.0)) == []


def test_a_span_gives_tagged_words_their_article():
    assert words(reading(passage(TEXT), {"a warm vest": 9.0}, tags={"warm vest": 2.0})) == ["a warm vest"]


def test_a_span_over_several_tagged_items_changes_none():
    tags = {"five drones": 2.0, "warm vest": 2.0}
    assert words(reading(passage(TEXT), {"five drones, a warm vest": 9.0}, tags=tags)) == ["five drones", "warm vest"]


def test_a_span_that_is_a_list_is_cut_into_its_items():
    spans = {"five drones, a warm vest and a train set": 9.0}
    assert words(reading(passage(TEXT), spans)) == ["five drones", "a warm vest", "a train set"]


def test_two_plain_words_are_two_items_only_where_several_are_asked_for():
    found = reading(
        passage("They met soldiers and students."), {"soldiers and students": 9.0}, tags={"soldiers and students": 3.0}
    )
    assert words(found) == ["soldiers", "students"]
    assert words(found, several=False) == ["soldiers and students"]


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        ("Between 1.55 m and 1.95 m tall.", ["Between 1.55 m", "1.95 m tall"], ["Between 1.55 m and 1.95 m tall"]),
        ("It took between $5 and €9.", ["$5", "€9"], ["$5 and €9"]),
        ("A treaty between Perm and Sofia.", ["Perm", "Sofia"], ["Perm", "Sofia"]),
        ("It took between 5 and 9, or 12.", ["5", "12"], ["5", "12"]),
        ("Some 5 and 9.", ["5", "9"], ["5", "9"]),
    ],
)
def test_the_ends_of_a_range_are_one_item(text, tags, expected):
    assert words(reading(passage(text), {}, tags=dict.fromkeys(tags, 3.0))) == expected


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        (
            "She bought boots that are waterproof, and a map.",
            ["boots", "a map"],
            ["boots that are waterproof", "a map"],
        ),
        ("He sold a boat that had been in the shed.", ["a boat"], ["a boat that had been in the shed"]),
        (
            "It lists doors that can be locked and windows.",
            ["doors", "windows"],
            ["doors that can be locked", "windows"],
        ),
        ("Agencies said that the train had left.", ["Agencies"], ["Agencies"]),
        ("Rooms that were " + "very " * 20 + "cold.", ["Rooms"], ["Rooms"]),
        ("Boots. That is all.", ["Boots"], ["Boots"]),
    ],
)
def test_an_item_takes_in_the_clause_that_narrows_it(text, tags, expected):
    found = reading(passage(text), {}, tags=dict.fromkeys(tags, 3.0))
    assert words(found) == expected
    assert words(found, several=False) == tags


def spans_of(text: str) -> st.SearchStrategy[list[Span]]:
    bounds = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 20), st.floats(-5, 20))
    return st.lists(bounds.map(lambda b: Span(start=b[0], end=min(len(text), b[0] + b[1]), score=b[2])), max_size=6)


def apart(spans: list[Span]) -> tuple[Span, ...]:
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return tuple(kept)


@given(tags=spans_of(TEXT), spans=spans_of(TEXT), several=st.booleans())
def test_items_lie_within_the_passage_and_never_overlap(tags, spans, several):
    read = Reading(
        passage=passage(TEXT),
        spans=tuple(sorted(apart(spans), key=lambda s: -s.score)),
        null_score=0.0,
        items=tuple(sorted(apart(tags), key=lambda s: s.start)),
    )
    found = items_of(read, RULES, several=several)
    assert all(0 <= item.start < item.end <= len(TEXT) for item in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


# Gathering

DOCUMENT = (
    "A regional governor gave Kim five drones. "
    "The train left on Sunday. "
    "He was also given a warm vest. "
    "Nobody spoke of the weather. "
    "A bridge was shown to the guests. "
    "His hosts handed over two rifles."
)
STRONG = {"five drones": 20.0, "a warm vest": 18.0, "two rifles": 16.0}
SURE = dict.fromkeys(STRONG, 4.0)


def only_best(found: Reading) -> Reading:
    """A reader's favourite outshines the rest: the second best of a passage scores as if it were not there."""
    return Reading(
        passage=found.passage,
        spans=found.spans[:1],
        null_score=found.null_score,
        items=tuple(item for item in found.items if found.spans and item.start == found.spans[0].start),
    )


def peeled(rule: ScriptedReader, passages: list[Passage], rules: ListRules = RULES) -> list[Found]:
    readings = rule.read("what gifts?", passages)
    best = max((r for r in readings if r.spans), key=lambda r: r.spans[0].score)
    return gather(readings, (best, best.spans[0]), lambda rest: rule.read("what gifts?", rest), rules)


def quoted(found: list[Found]) -> list[str]:
    return [part.text[span.start : span.end] for part, span in found]


def favourite(phrases: dict[str, float], tags: dict[str, float]) -> ScriptedReader:
    return ScriptedReader(lambda _, part: only_best(reading(part, phrases, tags=tags)))


def test_items_in_other_sentences_are_found_by_reading_what_is_left():
    found = peeled(favourite(STRONG, SURE), [passage(DOCUMENT)])
    assert quoted(found) == ["five drones", "a warm vest", "two rifles"]


@pytest.mark.parametrize("at", [0, 1000])
def test_offsets_stay_true_however_often_text_was_taken_away(at):
    found = peeled(favourite(STRONG, SURE), [passage(DOCUMENT, at=at)])
    for part, span in found:
        start, end = part.start + span.start - at, part.start + span.end - at
        assert DOCUMENT[start:end] == part.text[span.start : span.end]
        assert part.text == DOCUMENT[part.start - at : part.end - at]


def test_a_sentence_that_gave_an_item_is_not_read_again():
    rule = favourite(STRONG, SURE)
    peeled(rule, [passage(DOCUMENT)])
    for earlier, phrase in zip(rule.seen[1:], STRONG, strict=False):
        assert all(phrase not in part.text for part in earlier)


def test_a_passage_that_overlaps_loses_the_sentence_too():
    cut = DOCUMENT.index("He was also")
    passages = [passage(DOCUMENT[:cut] + DOCUMENT[cut:], identity="a"), passage(DOCUMENT[:cut].rstrip(), identity="b")]
    found = peeled(favourite(STRONG, SURE), passages)
    assert quoted(found).count("five drones") == 1


def test_the_same_offsets_in_another_document_are_another_place():
    passages = [passage(DOCUMENT, document="one"), passage(DOCUMENT, document="two")]
    found = peeled(favourite({"five drones": 20.0}, {"five drones": 4.0}), passages)
    assert [(part.document_id, part.text[s.start : s.end]) for part, s in found] == [
        ("one", "five drones"),
        ("two", "five drones"),
    ]


@pytest.mark.parametrize(
    ("margin", "tag", "expected"),
    [
        (RULES.reread, RULES.reread_tag, 2),
        (RULES.reread - 0.01, 99.0, 1),
        (99.0, RULES.reread_tag - 0.01, 1),
    ],
)
def test_gathering_stops_at_the_bars(margin, tag, expected):
    phrases = {"five drones": 100.0, "a warm vest": margin}
    found = peeled(favourite(phrases, {"five drones": 9.0, "a warm vest": tag}), [passage(DOCUMENT)])
    assert len(found) == expected


def test_a_reader_without_tags_stops_after_the_first_round():
    found = peeled(favourite(STRONG, {}), [passage(DOCUMENT)])
    assert quoted(found) == ["five drones"]


@pytest.mark.parametrize("rounds", [0, 1, 5])
def test_no_more_rounds_than_allowed(rounds):
    text = ". ".join(f"Kim got thing {n}" for n in range(40)) + "."
    rule = ScriptedReader(lambda _, part: only_best(reading(part, {part.text[:11]: 50.0}, tags={part.text[:11]: 9.0})))
    found = peeled(rule, [passage(text)], ListRules(rounds=rounds))
    assert len(rule.seen) == 1 + rounds
    assert len(found) == rounds + 1


def test_a_reader_that_finds_everything_everywhere_comes_to_an_end():
    rule = ScriptedReader(lambda _, part: reading(part, {part.text: 50.0}, tags={part.text: 9.0}))
    assert quoted(peeled(rule, [passage(DOCUMENT)], ListRules(rounds=10**6))) == [DOCUMENT]


def test_a_passage_without_sentences_is_read_once():
    rule = favourite(STRONG, SURE)
    assert quoted(peeled(rule, [passage(DOCUMENT, sentences=())])) == ["five drones"]


def test_a_reader_that_finds_nothing_more_ends_it():
    rule = ScriptedReader(
        lambda _, part: reading(part, {"five drones": 20.0} if part.text == DOCUMENT else {}, tags={"five drones": 4.0})
    )
    assert quoted(peeled(rule, [passage(DOCUMENT)])) == ["five drones"]


def test_the_best_span_is_always_among_what_is_found():
    found = peeled(finds({"Sunday": 20.0}, tags={"five drones": 4.0}), [passage(DOCUMENT)])
    assert "Sunday" in quoted(found)


# Taking sentences away


def test_what_is_left_is_whole_runs_of_sentences():
    whole = passage(DOCUMENT, at=7)
    middle = whole.sentences[2]
    before, after = without(whole, [("d", middle[0] + 3, middle[0] + 5)])
    assert before.text == DOCUMENT[: whole.sentences[1][1] - 7]
    assert after.text == DOCUMENT[whole.sentences[3][0] - 7 :]
    assert before.sentences + after.sentences == whole.sentences[:2] + whole.sentences[3:]


def test_nothing_is_left_of_a_passage_that_is_taken_whole():
    assert without(passage(DOCUMENT), [("d", 0, len(DOCUMENT))]) == []


def test_a_place_in_another_document_takes_nothing_away():
    assert [part.text for part in without(passage(DOCUMENT), [("e", 0, len(DOCUMENT))])] == [DOCUMENT]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DOCUMENT)), st.integers(1, 60)), max_size=5), st.integers(0, 50))
def test_what_is_left_touches_nothing_taken_and_misses_nothing_else(taken, at):
    whole = passage(DOCUMENT, at=at)
    places = [("d", at + start, at + start + length) for start, length in taken]
    left = without(whole, places)
    sentences = [sentence for part in left for sentence in part.sentences]
    expected = [s for s in whole.sentences if not any(a < s[1] and b > s[0] for _, a, b in places)]
    assert sentences == expected
    assert len({part.id for part in left}) == len(left)
    for part in left:
        assert DOCUMENT[part.start - at : part.end - at] == part.text

"""One answer against its gold: strict, lenient, lists, SQuAD, citations and blame, on cases worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_answers import answer

from index.load import load_text
from index.types import Document
from qa.evaluation.lists import count_list
from qa.evaluation.score import Score, Subject, is_list, score
from qa.evaluation.types import Alternative, Place, Question
from qa.evaluation.words import contains_words, empties, exact_match, normalise, normalise_official, token_f1
from qa.types import Answer

TEXT = (
    "The mayor opened the bridge on Sunday. She thanked the masons, the welders and the divers. "
    "A crowd of 300 came. On Sunday it rained."
)
DOCUMENT = load_text(TEXT, title="Bridge", source="bridge.txt")
SUBJECT = Subject.of(DOCUMENT)


def place(words: str, nth: int = 0) -> Place:
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index(words, start + 1)
    return Place(text=words, start=start, end=start + len(words))


def question(*alternatives: list[Place] | str, kind: str = "", evidence: tuple[str, ...] = ()) -> Question:
    answers = tuple(
        Alternative(aliases=(one,)) if isinstance(one, str) else Alternative(spans=tuple(one)) for one in alternatives
    )
    return Question(
        id="q", text="?", answers=answers, answerable=bool(answers), kind=kind, evidence=tuple(map(place, evidence))
    )


def scored(asked: Question, *said: str | tuple[int, int]) -> Score:
    return score(asked, answer(DOCUMENT, *said), SUBJECT)


WHO = question([place("The mayor")], [place("mayor")])
LIST = question([place("the masons"), place("the welders"), place("the divers")], kind="list")


@pytest.mark.parametrize(
    ("asked", "said", "strict", "lenient", "outcome"),
    [
        (WHO, ["mayor"], True, True, "right"),
        (WHO, ["The mayor"], True, True, "right"),
        (WHO, ["The mayor opened the bridge"], False, True, "right"),  # longer, in the same sentence
        (WHO, ["The mayor opened the bridge on Sunday."], False, True, "right"),
        (WHO, ["The mayor opened the bridge on Sunday. She thanked"], False, False, "partly"),  # beyond the sentence
        (WHO, ["She"], False, False, "wrong"),
        (WHO, ["The mayor", "bridge"], False, False, "partly"),  # one item too many
        (WHO, [], False, False, "missed"),
        (question([place("300")]), ["A crowd of 300"], False, True, "right"),
        (question([place("A crowd of 300")]), ["300"], False, False, "partly"),  # too short
        (question([place("on Sunday")]), ["Sunday"], False, False, "partly"),  # "on" is a word
        (LIST, ["the masons", "welders", "the divers"], True, True, "right"),
        (LIST, ["the masons, the welders and the divers"], False, True, "right"),  # all in one quotation
        (LIST, ["the masons", "the divers"], False, False, "partly"),
        (LIST, ["the masons", "the welders", "the divers", "A crowd"], False, False, "partly"),
        (question(), [], True, True, "silent"),
        (question(), ["300"], False, False, "wrong"),
    ],
)
def test_right_and_wrong(asked, said, strict, lenient, outcome):
    found = scored(asked, *said)
    assert (found.strict, found.lenient, found.outcome) == (strict, lenient, outcome)


def test_the_right_words_at_another_place_are_wrong():
    asked = question([place("Sunday")])
    first, second = place("Sunday"), place("Sunday", 1)
    assert scored(asked, (first.start, first.end)).strict
    elsewhere = scored(asked, (second.start, second.end))
    assert not elsewhere.strict
    assert not elsewhere.lenient
    assert elsewhere.exact == 1  # SQuAD's figure knows words only


def test_a_place_in_the_evidence_that_no_alternative_names_allows_longer_quotations_only():
    asked = question([place("mayor")], evidence=("She thanked the masons, the welders and the divers.",))
    assert scored(asked, "The mayor opened the bridge on Sunday. She thanked the masons").lenient
    assert not scored(asked, "She").lenient


def test_one_quotation_for_a_list_split_into_items_is_lenient():
    asked = question([place("the masons, the welders and the divers")])
    found = scored(asked, "the masons", "the welders", "the divers")
    assert not found.strict
    assert found.lenient
    assert found.squad_text == "the masons, the welders and the divers"
    assert found.exact == 1


@pytest.mark.parametrize(
    ("said", "strict", "lenient"), [(["300"], True, True), (["A crowd of 300"], False, True), (["crowd"], False, False)]
)
def test_an_alias_alone_is_enough(said, strict, lenient):
    found = scored(question("300"), *said)
    assert (found.strict, found.lenient) == (strict, lenient)


@pytest.mark.parametrize(
    ("golds", "said", "strict", "lenient"),
    [
        (["Sunday"], ["Sunday"], True, True),
        (["Sunday"], ["on Sunday"], False, True),
        (["on Sunday"], ["Sunday"], False, False),
        (["masons", "divers"], ["the divers", "the masons"], True, True),
        (["masons", "divers"], ["masons, the welders and the divers"], False, True),
        (["masons"], ["masons", "300"], False, False),
    ],
)
def test_where_a_set_gives_no_places_words_alone_count(golds, said, strict, lenient):
    found = scored(question([Place(text=gold) for gold in golds]), *said)
    assert (found.strict, found.lenient) == (strict, lenient)


def test_a_quotation_from_another_document_never_matches_a_place():
    other = Subject.of(load_text(TEXT + " And more.", title="Other", source="other.txt"))
    found = score(WHO, answer(DOCUMENT, "mayor"), other)
    assert not found.lenient
    assert (found.cited, found.cited_right) == (5, 0)


def test_found_and_wanted_count_spans_of_the_alternative_that_fits_best():
    assert (scored(LIST, "the masons", "A crowd").found, scored(LIST, "the masons").wanted) == (1, 3)
    assert scored(WHO, "mayor").found == 1


@pytest.mark.parametrize(
    ("said", "cited", "right", "gold", "gold_cited"),
    [
        (["mayor"], 5, 5, 5, 5),
        (["mayor opened"], 12, 5, 5, 5),
        (["crowd"], 5, 0, 5, 0),
        ([], 0, 0, 5, 0),
    ],
)
def test_citations_are_measured_in_characters(said, cited, right, gold, gold_cited):
    found = scored(question([place("mayor")]), *said)
    assert (found.cited, found.cited_right, found.gold, found.gold_cited) == (cited, right, gold, gold_cited)


def test_characters_of_the_evidence_are_rightly_cited():
    found = scored(question([place("mayor")], evidence=("The mayor opened the bridge on Sunday.",)), "mayor opened")
    assert (found.cited, found.cited_right) == (12, 12)


def part_of(answer_: Answer, start: int, end: int) -> Answer:
    from dataclasses import replace

    hit = answer_.hits[0]
    passage = replace(hit.passage, text=TEXT[start:end], start=start, end=end, sentences=())
    return replace(answer_, hits=(replace(hit, passage=passage),))


def test_a_gold_answer_outside_of_what_was_read_is_lost_in_retrieval():
    wrong = answer(DOCUMENT, "300")
    assert score(WHO, wrong, SUBJECT).lost == "reader"
    found = score(WHO, part_of(wrong, 91, len(TEXT)), SUBJECT)
    assert found.retrieved is False
    assert found.document_found is True
    assert found.lost == "retrieval"


@pytest.mark.parametrize(
    ("asked", "said", "stage", "lost"),
    [
        (WHO, ["mayor"], "answered", ""),
        (WHO, ["300"], "answered", "reader"),
        (WHO, [], "reader", "reader"),
        (WHO, [], "threshold", "threshold"),
        (question(), ["300"], "answered", "threshold"),
        (question(), [], "threshold", ""),
    ],
)
def test_the_stage_to_blame(asked, said, stage, lost):
    assert score(asked, answer(DOCUMENT, *said, stage=stage), SUBJECT).lost == lost


def test_a_list_is_what_its_set_calls_one_or_what_takes_several_spans():
    two = [place("mayor"), place("bridge")]
    assert is_list(question([place("mayor")], kind="list"))
    assert is_list(question(two))
    assert not is_list(question(two, kind="temporal"))
    assert not is_list(question(two, [place("mayor")]))
    assert not is_list(question(kind="list"))


PLACES = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 40)).map(
    lambda pair: (pair[0], min(len(TEXT), pair[0] + pair[1]))
)
APART = st.lists(PLACES, max_size=4).map(
    lambda found: [p for i, p in enumerate(sorted(found)) if all(p[0] >= q[1] for q in sorted(found)[:i])]
)


def spans_of(places: list[tuple[int, int]], document: Document = DOCUMENT) -> list[Place]:
    return [Place(text=document.text[a:b], start=a, end=b) for a, b in places if document.text[a:b].strip()]


@given(gold=APART, said=APART)
def test_bounds_and_strict_implies_lenient(gold, said):
    golds = spans_of(gold)
    asked = question(golds) if golds else question()
    found = scored(asked, *[p for p in said if TEXT[p[0] : p[1]].strip()])
    assert found.lenient or not found.strict
    assert 0 <= found.exact <= found.f1 <= 1 or normalise_official(found.squad_text) == ""
    assert 0 <= found.found <= found.wanted
    assert found.cited_right <= found.cited
    assert found.gold_cited <= found.gold
    assert (found.lost == "") == found.lenient
    assert (found.outcome in ("right", "silent")) == found.lenient


@given(gold=APART)
def test_the_gold_itself_is_right_in_every_way(gold):
    golds = spans_of(gold)
    asked = question(golds) if golds else question()
    found = scored(asked, *[(p.start, p.end) for p in golds])
    assert found.strict
    assert found.lenient
    assert found.exact == found.f1 == 1
    assert found.cited == found.cited_right == found.gold == found.gold_cited
    if golds:
        assert found.found == found.wanted


@given(gold=APART, said=APART, order=st.randoms())
def test_neither_items_nor_alternatives_have_an_order(gold, said, order):
    golds = spans_of(gold)
    shuffled = order.sample(golds, len(golds))
    one, other = question(golds, [place("mayor")]), question([place("mayor")], shuffled)
    if golds:
        first, second = scored(one, *said), scored(other, *order.sample(said, len(said)))
        assert (first.strict, first.lenient, first.found, first.cited_right) == (
            second.strict,
            second.lenient,
            second.found,
            second.cited_right,
        )


# ── Words ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "official", "ours"),
    [
        ("The  Great-Wall, a wall!", "greatwall wall", "greatwall wall"),
        ("A", "", "a"),
        ("–", "–", "–"),
        ("-", "", "-"),
        ("“Slavianka”", "“slavianka”", "slavianka"),
        ("theatre an' the", "theatre", "theatre"),
        ("$1,000", "1000", "1000"),
        ("ﬁne so\u00adft", "ﬁne so\u00adft", "fine soft"),
        ("", "", ""),
    ],
)
def test_normalising(text, official, ours):
    assert normalise_official(text) == official
    assert normalise(text) == ours


@given(one=st.text(max_size=12), other=st.text(max_size=12))
def test_what_the_official_normalisation_calls_equal_is_equal(one, other):
    for text in (one, other):
        assert bool(normalise(text)) == bool(text.strip())
    variant = f"the {one.upper()}!"
    if normalise_official(variant) == normalise_official(other) != "":
        assert normalise(variant) == normalise(other)


@pytest.mark.parametrize(
    ("golds", "said", "exact", "f1"),
    [
        (["the Rhine"], "Rhine", 1, 1),
        (["Rhine"], "river Rhine", 0, 2 / 3),
        (["Rhine", "the river Rhine"], "river Rhine", 1, 1),
        (["a b c d"], "c d e", 0, 2 * (2 / 3) * (2 / 3) / (4 / 3)),  # "a" is an article
        (["to be or not to be"], "to be", 0, 2 * 1 * (2 / 6) / (8 / 6)),
        ([], "", 1, 1),
        ([], "Rhine", 0, 0),
        (["Rhine"], "", 0, 0),
        (["A"], "A", 1, 1),  # both normalise to nothing: the official script then wants no answer
        (["A"], "B", 0, 0),
        (["A", "b"], "", 0, 0),
    ],
)
def test_official_exact_match_and_f1(golds, said, exact, f1):
    assert exact_match(golds, said) == exact
    assert token_f1(golds, said) == pytest.approx(f1)


@given(one=st.text(max_size=30), other=st.text(max_size=30))
def test_f1_is_symmetric_and_bounded(one, other):
    f1 = token_f1([one], other)
    assert 0 <= f1 <= 1
    assert f1 == pytest.approx(token_f1([other], one))
    assert exact_match([one], other) <= f1


def test_golds_that_normalise_to_nothing_are_told():
    assert [text for text in ("A", "-", "the", "–", "B", "", " ") if empties(text)] == ["A", "-", "the"]


def test_words_are_contained_whole():
    assert contains_words("On the Sunday, it rained", "Sunday it")
    assert not contains_words("Sundays", "Sunday")


# ── Lists ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("golds", "items", "exact", "partial"),
    [
        (["red", "blue"], ["Red", "the blue"], (2, 2, 2), (2.0, 2.0)),
        (["red", "blue"], ["red"], (2, 1, 1), (1.0, 1 + 1 / 4)),  # "blue" and "red" share one letter
        (["red"], ["red wine", "tea"], (1, 2, 1 - 1), (3 / 8 + 1 / 3, 1.0)),
        (["red"], [], (1, 1, 0), (0.0, 0.0)),
        (["red", "red"], ["red"], (1, 1, 1), (1.0, 1.0)),  # sets
    ],
)
def test_list_counts_by_hand(golds, items, exact, partial):
    counts = count_list([Alternative(spans=tuple(Place(text=gold) for gold in golds))], items)
    assert (counts.golds, counts.items, counts.hits) == exact
    assert (counts.precision, counts.recall) == pytest.approx(partial)


WORDS = st.lists(st.text("bcd ", min_size=1, max_size=6).filter(str.strip), max_size=4)


@given(golds=WORDS, items=WORDS)
def test_list_counts_are_bounded_and_turn_round(golds, items):
    def alternative(words: list[str]) -> list[Alternative]:
        return [Alternative(spans=tuple(Place(text=word) for word in words))] if words else []

    counts, turned = count_list(alternative(golds), items), count_list(alternative(items), golds)
    assert 0 <= counts.hits <= min(counts.golds, counts.items)
    assert counts.hits - 1e-9 <= counts.precision <= counts.items + 1e-9
    assert counts.hits - 1e-9 <= counts.recall <= counts.golds + 1e-9
    assert (counts.hits, counts.golds, counts.items) == (turned.hits, turned.items, turned.golds)
    assert 0 <= counts.exact_f1 <= counts.partial_f1 + 1e-9 <= 1 + 2e-9

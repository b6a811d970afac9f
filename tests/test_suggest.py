"""Example questions: whole English sentences, made from the document, and answered by it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import Document
from qa.suggest import suggest_questions
from qa.suggest.english import BY_BASE, BY_PARTICIPLE, BY_PAST, BY_THIRD
from qa.suggest.patterns import LONGEST_QUESTION, Candidate, candidates
from qa.types import Answer, Citation, Item


def document(text: str, identity: str = "d1") -> Document:
    return Document(id=identity, title="A title", text=text, source="a.txt", sha256="0" * 64)


def asked(text: str) -> dict[str, str]:
    """Question to expected answer."""
    return {c.question: text[c.expected[0] : c.expected[1]] for c in candidates(document(text))}


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("In May, Orla Finn received a medal.", "What did Orla Finn receive?", "a medal"),
        ("In May, Orla Finn received a medal.", "When did Orla Finn receive a medal?", "May"),
        ("Lars Bexley reported two complaints about dust.", "How many complaints did Lars Bexley report?", "two"),
        ("The society was founded in 1911.", "When was the society founded?", "1911"),
        ("The tower was designed by Ada Pell.", "Who designed the tower?", "Ada Pell"),
        ("The old mill was sold on 3 May 2019.", "When was the old mill sold?", "3 May 2019"),
        ("The Tessel ferry sank in March 1902.", "When did the Tessel ferry sink?", "March 1902"),
        ("Orla Finn opened the museum in Dublin.", "Where did Orla Finn open the museum?", "Dublin"),
        ("Orla Finn opened the museum in Dublin.", "Who opened the museum in Dublin?", "Orla Finn"),
        ("Mayor Stuart Holm agreed.", "Who is Stuart Holm?", "Mayor Stuart Holm"),
        ("The shop of Ágost Valkó, a watchmaker, is shut.", "Who is Ágost Valkó?", "a watchmaker"),
        ("KITE is a protocol for small devices.", "What is KITE?", "a protocol for small devices"),
        ("A kestrel is a small falcon.", "What is a kestrel?", "a small falcon"),
        ("The Orla bridge is 120 metres long.", "How long is the Orla bridge?", "120 metres long"),
        ("The panel has seven members.", "How many members does the panel have?", "seven"),
        ("Staff say that employees must submit a form.", "What must employees submit?", "a form"),
        ("Many employees agree. Employees receive 26 days of leave.", "What do employees receive?", "26 days of leave"),
        ("The ferry carries forty passengers.", "How many passengers does the ferry carry?", "forty"),
        ("The Royal Institute of Mud (RIM) agreed.", "What does RIM stand for?", "The Royal Institute of Mud"),
        ("Here “leave year” means the year from April.", "What does leave year mean?", "the year from April."),
        ("It emerged. The mayor said that Orla Finn sold the mill.", None, None),
        ("PARIS: Orla Finn wrote a letter.", "What did Orla Finn write?", "a letter"),
        ("Talks are 20 minutes long plus questions. The talks end.", "How long are talks?", "20 minutes"),
        ("The 13th symposium will be held in Marvane in 2027.", "Where will the 13th symposium be held?", "Marvane"),
        ("The next race will be held in Marvane in 2027.", "When will the next race be held in Marvane?", "2027"),
        ("In 1887 Orla Finn sold the mill.", "When did Orla Finn sell the mill?", "1887"),
        ("6,318 orders were affected, it seems.", "How many orders were affected?", "6,318"),
        ("- SEV-1: an incident in which customers lose money.", "What does SEV-1 mean?", "an incident in which"),
        ("Orla Finn includes examples.", "What does Orla Finn include?", "examples"),
        ("2.1 The panel has seven members.", "How many members does the panel have?", "seven"),
        ("Q: Where do I pay?\nA: At the desk.", "Where do I pay?", "\nA: At the desk."),
    ],
)  # fmt: skip
def test_statements_become_questions(text, question, answer):
    made = asked(text)
    if question is None:
        assert all("said" not in one for one in made)
    else:
        assert answer in made.get(question, ""), made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A heading",
        "He received a medal.",  # who?
        "This proves the point.",
        "The newly opened store closed the doors.",
        "The company based in Paris opened a store in May.",
        "Shareholders who approved the plan left.",
        "Moscow and Pyongyang signed a treaty.",
        "Orla Finn did not receive a medal.",
        "Orla Finn arrived the next day.",
        "“Orla Finn” received.",
        "Le musée a reçu une médaille en mai 1902.",
        "Orla Finn said on Monday that it rains.",
        "What now?",
        "Why was it so?",
        "Give the bird seeds.",
        "Orla Finn made a decision.",
        "The team holds a meeting.",  # which team?
        "The test failed: the piston jammed.",
        "Orla <b>Finn</b> received a {medal}.",
    ],
)
def test_where_the_grammar_is_not_certain_nothing_is_asked(text):
    assert asked(text) == {}


def test_no_place_is_torn_from_the_word_it_belongs_to():
    assert set(asked("Orla Finn joined students studying in Dublin.")) == {"Who joined students studying in Dublin?"}


def test_people_are_not_asked_for_with_what():
    assert "What did Orla Finn meet?" not in asked("Orla Finn met the minister.")
    assert "What did Orla Finn see?" not in asked("Orla Finn saw the governor.")


def test_no_two_verbs_share_a_form():
    for forms in (BY_PAST, BY_THIRD, BY_PARTICIPLE):
        assert len(forms) == len(BY_BASE)


def test_verb_forms_are_right_where_spelling_is_odd():
    for past, base in {"carried": "carry", "planned": "plan", "used": "use", "met": "meet", "paid": "pay"}.items():
        assert BY_PAST[past].base == base
    for third, base in {"carries": "carry", "reaches": "reach", "goes": "go", "says": "say"}.items():
        assert BY_THIRD[third].base == base
    assert BY_PAST["found"].base == "find"
    assert BY_PAST["founded"].base == "found"


def test_boilerplate_makes_no_question():
    text = "Orla Finn received a medal.\n\nKim sold the mill."
    start = text.index("Orla")
    quiet = replace(document(text), quiet=((start, text.index("\n")),))
    assert not any("medal" in c.question or "receive" in c.question for c in candidates(quiet))


WORDS = st.sampled_from(
    "Orla Finn the a an of in on was is has received met said that Monday 1902 two gifts , . ? “ ” : \n\n who and his "
    "President must carry carries Q: <b> [x] \x1b 中文 🎁 é -".split(" ")
)


@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_whatever_the_text_questions_are_plain_short_and_placed(text):
    for candidate in candidates(document(text)):
        assert len(candidate.question) <= LONGEST_QUESTION
        assert re.fullmatch(r"[A-Z][\w’'\-.,&$€£% ]*\?", candidate.question)
        assert "  " not in candidate.question
        assert 0 <= candidate.sentence[0] <= candidate.expected[0] < candidate.expected[1]


@given(st.text(max_size=300))
def test_any_text_at_all_is_survived(text):
    list(candidates(document(text)))


# Asking before showing


@dataclass
class Fake:
    """Answers every question at the place given for it, or at the place the question was made from."""

    documents: tuple[Document, ...]
    confidence: float = 0.9
    elsewhere: bool = False
    abstains: bool = False
    asked: list[str] = field(default_factory=list)

    def ask(self, question: str, history: Any = (), *, document_ids: Any = None) -> Answer:
        self.asked.append(question)
        home = next(d for d in self.documents if d.id in document_ids)
        made = next(c for c in candidates(home) if c.question == question)
        if self.abstains:
            return Answer(question=question, confidence=self.confidence, reason="No.", stage="reader")
        start, end = (0, 1) if self.elsewhere else made.expected
        end = min(end, len(home.text))
        receipt = Citation(
            number=1, document_id=home.id, title="", source="", sha256="", start=start, end=end,
            quote=home.text[start:end], prefix="", suffix="", sentence_start=start, sentence_end=end,
        )  # fmt: skip
        return Answer(
            question=question, items=(Item(text=receipt.quote, citation=1),), citations=(receipt,),
            confidence=self.confidence, abstained=False, stage="answered",
        )  # fmt: skip


TEXT = (
    "Orla Finn opened the museum in Dublin. The panel has seven members. KITE is a protocol for small devices. "
    "The society was founded in 1911. The ferry carries forty passengers. The tower was designed by Ada Pell. "
)


def test_questions_are_in_reading_order_distinct_and_as_many_as_wanted():
    fake = Fake((document(TEXT),))
    for n in range(7):
        questions = suggest_questions(fake, n)
        assert len(questions) == n
        places: list[Candidate] = [c for c in candidates(document(TEXT)) if c.question in questions]
        assert [c.question for c in places] == questions
        assert len({c.sentence for c in places}) == n


def test_kinds_vary():
    questions = suggest_questions(Fake((document(TEXT),)), 4)
    assert len({question.split()[0] for question in questions}) >= 3


@pytest.mark.parametrize("fault", [{"abstains": True}, {"confidence": 0.5}, {"elsewhere": True}])
def test_only_questions_answered_with_confidence_from_their_place_are_shown(fault):
    fake = Fake((document(TEXT),), **fault)
    assert suggest_questions(fake, 4) == []
    assert len(fake.asked) <= 12, "asking is not free"


def test_time_is_bounded():
    fake = Fake((document(TEXT),), abstains=True)
    assert suggest_questions(fake, 4, seconds=0) == []
    assert len(fake.asked) == 1


def test_several_documents_take_turns():
    other = document("The library has nine rooms. Ada Pell sold the mill in May 1900.", "d2")
    fake = Fake((document(TEXT), other))
    questions = suggest_questions(fake, 4)
    first = {c.question for c in candidates(document(TEXT))}
    assert 0 < len(first & set(questions)) < 4


def test_a_document_without_statements_gives_none():
    assert suggest_questions(Fake((document("Word."),)), 4) == []
    assert suggest_questions(Fake(()), 4) == []


@pytest.mark.slow
def test_the_seed_article_gives_questions_that_it_answers(assistant):
    questions = suggest_questions(assistant, seconds=60)
    assert 2 <= len(questions) <= 4
    assert len(set(questions)) == len(questions)
    for question in questions:
        assert not assistant.ask(question).abstained

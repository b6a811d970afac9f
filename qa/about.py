"""Whether a question is about nothing that the documents mention: "Who is Yoon?" where there is no Yoon, or "thanks!".

A reader trained on passages that are about the question takes any name for the one asked for. What a short question is
about can be seen from its form; whether the documents mention it, from their words. Questions that say more than a name
are the reader's: a paraphrase need not share a word with its answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from index.function_words import AUXILIARIES, FUNCTION_WORDS
from index.text import word_set

Knows = Callable[[str], bool]

_ABOUT = r"(?:the\s+|an?\s+)?(?P<about>[^\s?!.,;]+(?:\s+[^\s?!.,;]+){0,2}?)"
_ASKS = r"(?P<asks>who|what|where|when)(?:['’]?s|\s+(?:is|are|was|were|does|do|did))\s+"
_TELL = r"(?:please\s+)?(?P<asks>tell\s+me\s+(?:something\s+)?about|explain|define|describe)\s+"
_VERB = r"(?:\s+(?:do|mean|from|born|die|live|located|called|doing|stand\s+for))?"
_END = r"\s*[?!.]*"
_FORMS = (re.compile(_ASKS + _ABOUT + _VERB + _END, re.IGNORECASE), re.compile(_TELL + _ABOUT + _END, re.IGNORECASE))
_LETTERS = re.compile(r"[^\W\d_]+")
_SAYS_NOTHING = (FUNCTION_WORDS - AUXILIARIES) | word_set(  # "Who is Will?" and "When was May born?" name somebody
    "there here all any some both one ones being going happening name names time date day place"
)
_PREDICATE = re.compile(
    r"(?:[a-z]+(?:ed|ing|ible|able)|absent|present|away|late|ill|sick|well|missing|dead|alive|hurt|guilty|innocent|right"
    r"|wrong|first|last|next|older?|oldest|younger|youngest|taller|tallest|rich|richest|poor|angry|happy|afraid|in|out|born"
    r"|left|lost|found|chosen|seen|shot|sent|paid|put|told|taken|given|driven|beaten|hit|cut|made|known|aware|ready)\b"
)
"""What someone is rather than who: "who was absent?" names nobody that the documents could lack."""
_SMALL_TALK = word_set(
    "hello hi hey hallo greetings good morning afternoon evening night day thanks thank you thx cheers please ok okay "
    "great nice cool fine well wow yes yeah yep no nope bye goodbye sorry welcome very much so "
    "a lot that is was it"
)
_TO_THE_ASSISTANT = re.compile(
    r"(?:(?:hi|hello|hey|so|and|but|ok|okay)\b[\s,]*)?(?:"
    r"(?:who|what|where|how)(?:\s+are|['’]re)\s+you(?:\s+(?:called|from|doing|today|there|exactly|really))*"
    r"|what(?:\s+is|['’]?s)\s+your\s+name|how\s+old\s+are\s+you|who\s+(?:made|built|created|trained)\s+you"
    r"|are\s+you\s+(?:an?\s+)?(?:real|human|person|ai|bot|chatbot|robot|machine|there|ok|okay|alive|sure)(?:\s+\w+)?"
    r"|(?:can|could|will)\s+you\s+help(?:\s+me)?(?:\s+out)?|what\s+(?:can|do|else\s+can)\s+you\s+do"
    r"|tell\s+me\s+a\s+joke)\s*(?:please)?[?!.\s]*",
    re.IGNORECASE,
)
"""What people ask whoever they take to be at the other end; some name in the document would be the answer."""
_NOW = re.compile(
    r"what\s+time\s+is\s+it(?:\s+now)?|what(?:\s+is|['’]?s)\s+the\s+time(?:\s+now)?"
    r"|what(?:\s+is|['’]?s)\s+the\s+date\s+today|what\s+day\s+is\s+(?:it|today)(?:\s+today)?",
    re.IGNORECASE,
)


def is_put_to_the_assistant(question: str) -> bool:
    """Whether a question is about whoever answers: "who are you?"; so it is whatever was asked before."""
    return _TO_THE_ASSISTANT.fullmatch(question.strip()) is not None


def is_of_nothing_here(question: str, *, in_documents: Knows, in_english: Knows) -> bool:
    """Whether a question is small talk, asks for the time, or is a short one about words `in_documents` does not know.

    A person is asked for by name, so "who" needs no more. Other things may go by another, common word in the documents:
    there one of the words has to be a name, or one that common English does not know.
    """
    said = [word.lower() for word in _LETTERS.findall(question)]
    if said and _SMALL_TALK.issuperset(said) and "?" not in question:
        return True
    if _NOW.fullmatch(question.strip(" ?!.")):
        return True
    asked = next((found for form in _FORMS if (found := form.fullmatch(question.strip()))), None)
    if asked is None or (asked["asks"].lower() == "who" and _PREDICATE.match(asked["about"])):
        return False
    words = [w for w in _LETTERS.findall(asked["about"]) if w.lower() not in _SAYS_NOTHING]
    if not words or any(map(in_documents, words)):
        return False
    return asked["asks"].lower() == "who" or any(w[0].isupper() or not in_english(w) for w in words)

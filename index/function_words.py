"""English words that hold a sentence together and say nothing by themselves, by kind and in lower case.

Whoever needs to know which words say something builds the set from these kinds, and names what else it leaves out.
"""

from __future__ import annotations

from index.text import word_set

ARTICLES = word_set("a an the")
DEMONSTRATIVES = word_set("this that these those")
PRONOUNS = word_set("i you he she it we they me him her us them")
POSSESSIVES = word_set("my your his her its our their")
QUESTION_WORDS = word_set("who whom whose what which when where why how")
AUXILIARIES = word_set(
    "am is are was were be been being do does did has have had can could will would shall should may might must"
)
PREPOSITIONS = word_set("of in on at to from by with for about into over as")
CONJUNCTIONS = word_set("and or nor but so than if while because")
FUNCTION_WORDS = (
    ARTICLES | DEMONSTRATIVES | PRONOUNS | POSSESSIVES | QUESTION_WORDS | AUXILIARIES | PREPOSITIONS | CONJUNCTIONS
)

"""What each figure means, in a sentence for someone who sees it for the first time."""

from __future__ import annotations

TERMS = {
    "Right": (
        "Lenient: an answer that a person would accept. The words of a right answer are all quoted, at their own "
        "place, perhaps with more of the same sentence; every item of a list is there; and where the text has no "
        "answer, none was given."
    ),
    "Right to the word": (
        "Strict: the items given are exactly those of a right answer, at their place, but for case, punctuation and a, "
        "an, the."
    ),
    "Exact match, F1": (
        "SQuAD 2.0's official figures. Exact match: the same words as a right answer after its normalisation. F1: the "
        "overlap of words, best over the right answers. A question without an answer counts 1 when none was given."
    ),
    "List F1": (
        "MultiSpanQA's partial match over questions that ask for several things: how much of each item is in a right "
        "one, and how much of each right one is in an item, summed over all lists."
    ),
    "Answered": "The share of questions that were answered at all.",
    "Wrong when answered": "Of these, the share not right (lenient). An answer where the text has none is wrong.",
    "Rightly silent": "Of the questions without an answer in the text, the share that was declined.",
    "Calibration error": (
        "Answers are put into ten bins by stated confidence; in each, the stated mean is compared with the share "
        "right; the differences are averaged by size of bin. Answers held back count with what would have been said."
    ),
    "Right given passage": (
        "The reader alone: asked of nothing but the sentences round the right answer, and made to answer. What the "
        "whole way through retrieval loses against it is in metrics.json, under given_passage."
    ),
    "Partly": "Not right, but some words or items are.",
    "Missed": "Declined, although the text has an answer.",
    "Lost at": (
        "Where it went wrong first. Retrieval: the passages read did not hold the answer. Reading: they did, and other "
        "words were chosen. Threshold: the right words were held back, or an answer was given where there is none."
    ),
    "95 % interval": (
        "Documents (questions, where there are fewer than five documents) are drawn again 2,000 times, and the figure "
        "computed each time; 95 % of the results lie between the two numbers."
    ),
}

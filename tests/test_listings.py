"""Lists and tables in a text: what is one, and what leads to it."""

from __future__ import annotations

import time

from qa.reading.listings import columns, listings

REPORT = """# Review

## Why it took so long

1. The first alert went to a dead channel.
2. The screen showed "healthy": nobody looked at the queue.
3. The rollback failed in one region. It was tried twice.

## What went well

- Customer Care called at once
- Messages were never lost

The following are paid in full:
(a) bereavement: ten days for a partner
(b) moving house: one day
(c) jury service: for as long as it takes

We thank everybody.
"""
STALLS = """## Market square

| Stallholder | Goods | Rent |
|:--|---|--:|
| Aldo Ferrante | cheese | £65 |
| Sunita Rao | spices, tea | |
| Whitlock & Sons | fish | £120 |

The flood is over.
"""


def test_lists_are_found_with_what_leads_to_them():
    found = listings(REPORT)
    assert [(listing.lead, len(listing.entries)) for listing in found] == [
        ("Why it took so long", 3),
        ("What went well", 2),
        ("The following are paid in full:", 3),
    ]
    assert [REPORT[s:e] for s, e in found[1].entries] == ["Customer Care called at once", "Messages were never lost"]


def test_entries_go_on_where_a_line_is_indented_and_end_where_none_is():
    text = "Bring:\n- a coat that\n  keeps you warm\n- boots\nNothing else.\n- alone"
    (found,) = listings(text)
    assert [text[s:e] for s, e in found.entries] == ["a coat that\n  keeps you warm", "boots"]
    assert listings("- one entry is no list") == []
    assert listings("2019 was good.\nIt was a year.\n- 5 degrees at night") == []


def test_columns_of_a_table_are_lists_that_their_heads_lead_to():
    found = columns(STALLS)
    assert [(c.lead, [STALLS[s:e] for s, e in c.entries]) for c in found] == [
        ("Stallholder", ["Aldo Ferrante", "Sunita Rao", "Whitlock & Sons"]),
        ("Goods", ["cheese", "spices, tea", "fish"]),
        ("Rent", ["£65", "£120"]),
    ]
    assert {c.about for c in found} == {"Market square"}
    assert columns(STALLS.replace("\n", "\r\n"))[2].lead == "Rent"
    assert columns("| a | b |\n| c | d |\n| e | f |") == []  # no head
    assert columns("| a |\n|---|\n| b |") == []  # one cell


def test_hostile_tables_cost_little():
    began = time.process_time()
    columns("| a |\n|---|\n" + "| b |\n" * 20_000)
    columns("| " * 50_000 + "\n|" + "-" * 50_000 + "\n" + "|\n" * 20_000)
    assert time.process_time() - began < 5

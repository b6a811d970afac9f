"""Many short runs of a model, several at once: one alone leaves cores idle between its layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

AT_ONCE = 4
"""At most, on as many cores; with more there is nothing left to gain, and more memory is held."""


class SideBySide:
    """Calls a function that leaves the interpreter free, as models do, for several things at once.

    `threads` is how many cores there are to use; None takes all of the machine's. Safe to share between threads.
    """

    def __init__(self, threads: int | None) -> None:
        workers = min(AT_ONCE, threads or os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="side-by-side") if workers > 1 else None

    def map(
        self, function: Callable[[Thing], Result], things: Sequence[Thing], *, size: Callable[[Thing], int]
    ) -> list[Result]:
        """What `function` gives for each thing, in their order.

        It is called for the largest first, so that none is left to run alone for long. What it raises is raised, for
        the first thing in the order where it raises.
        """
        if self._pool is None or len(things) < 2:
            return [function(thing) for thing in things]
        largest_first = sorted(range(len(things)), key=lambda n: -size(things[n]))
        running = {n: self._pool.submit(function, things[n]) for n in largest_first}
        try:
            return [running[n].result() for n in range(len(things))]
        finally:
            for future in running.values():
                future.cancel()  # what still waits when one has failed

"""How many questions the API answers with 1, 10 and 100 clients at once; prints a table.

    python benchmarks/serving.py http://127.0.0.1:7860 --seconds 20

Start the server with `--rate off`. The questions are the seed set's, asked in turn; the share of the model is what the
answers say was spent reading, over what the answers' clients waited, without the wait for a place.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import time
from pathlib import Path

import httpx

QUESTIONS = Path(__file__).resolve().parent.parent / "seeds" / "news_dev.jsonl"


async def measure(address: str, questions: list[str], *, clients: int, seconds: float) -> str:
    asked = itertools.cycle(questions)
    waits: list[float] = []
    inside: list[dict[str, float]] = []
    refused = 0
    end = time.perf_counter() + seconds

    async def client(http: httpx.AsyncClient) -> None:
        nonlocal refused
        while time.perf_counter() < end:
            began = time.perf_counter()
            body = {"question": next(asked), "include_hits": False}
            response = await http.post(f"{address}/api/v1/ask", json=body)
            if response.status_code == 200:
                waits.append(time.perf_counter() - began)
                inside.append(response.json()["seconds_by_stage"])
            else:
                refused += 1
                await asyncio.sleep(float(response.headers.get("retry-after", "1")))

    limits = httpx.Limits(max_connections=clients)
    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=300, limits=limits, trust_env=False) as http:
        await asyncio.gather(*(client(http) for _ in range(clients)))
    took = time.perf_counter() - began
    waits.sort()
    answering = sum(sum(stages.values()) for stages in inside)
    reading = sum(stages.get("read", 0.0) for stages in inside)
    p50, p95 = statistics.median(waits), waits[int(0.95 * (len(waits) - 1))]
    rate, share = len(waits) / took, 100 * reading / answering
    return f"{clients:>8} {rate:>10.2f} {p50:>8.2f} {p95:>8.2f} {refused:>8} {share:>8.1f} %"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("address")
    options.add_argument("--seconds", type=float, default=20.0)
    given = options.parse_args()
    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    print(f"{'clients':>8} {'answers/s':>10} {'p50 s':>8} {'p95 s':>8} {'refused':>8} {'reading':>10}")
    for clients in (1, 10, 100):
        print(asyncio.run(measure(given.address, questions, clients=clients, seconds=given.seconds)), flush=True)


if __name__ == "__main__":
    main()

"""The tools for models, used by the protocol's own client: in this process, over HTTP and over standard input."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from scripted_server import NONE, TEXT, WHEN, WHO, Serving

from qa.config import Settings
from qa.web.services import Services
from qa.web.tools import make_tools

ROOT = Path(__file__).resolve().parent.parent
KEY = "a-key-of-the-newspaper"


def with_client(server: Any, use: Any, **options: Any) -> Any:
    async def talk() -> Any:
        async with Client(server, **options) as client:
            return await use(client)

    return asyncio.run(talk())


def call(server: Any, tool: str, **arguments: Any) -> Any:
    async def use(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    return with_client(server, use)


@pytest.fixture(scope="module")
def assistant_() -> Serving:
    return Serving()


@pytest.fixture(scope="module")
def tools(assistant_: Serving) -> Iterator[Any]:
    services = Services(assistant_, Settings(rate="off"))
    yield make_tools(services)
    services.close()


def test_there_are_four_tools_that_only_read(tools: Any) -> None:
    async def use(client: Client) -> Any:
        return (await client.list_tools()).tools

    listed = with_client(tools, use)
    assert [tool.name for tool in listed] == ["ask", "find_passages", "get_document", "verify_citation"]
    for tool in listed:
        assert tool.description
        assert tool.annotations.read_only_hint is True
        assert all(part["description"] for part in tool.input_schema["properties"].values())


def test_an_answer_is_quoted_and_cited(tools: Any) -> None:
    result = call(tools, "ask", question=WHO)
    assert not result.is_error
    answer = result.structured_content
    assert json.loads(result.content[0].text) == answer
    (citation,) = answer["citations"]
    assert TEXT[citation["start"] : citation["end"]] == citation["quote"] == "Ada Brown"
    assert "hits" not in answer


def test_history_and_abstention(tools: Any, assistant_: Serving) -> None:
    answer = call(tools, "ask", question=NONE, history=[WHEN]).structured_content
    assert answer["abstained"] is True
    assert assistant_.histories[-1] == [WHEN]


def test_passages_and_documents(tools: Any, assistant_: Serving) -> None:
    assert call(tools, "find_passages", query="ferry", top_k=1).structured_content["hits"][0]["rank"] == 0
    (listed,) = call(tools, "get_document").structured_content["documents"]
    assert listed["id"] == assistant_.document.id
    assert listed["characters"] == len(TEXT)
    read = call(tools, "get_document", document_id=listed["id"]).structured_content
    assert (read["text"], read["start"], read["end"]) == (TEXT, 0, len(TEXT))
    part = call(tools, "get_document", document_id=listed["id"], start=4, end=9).structured_content
    assert (part["text"], part["start"], part["end"]) == ("ferry", 4, 9)


def test_a_citation_is_verified(tools: Any) -> None:
    (citation,) = call(tools, "ask", question=WHO).structured_content["citations"]
    assert call(tools, "verify_citation", citation=citation).structured_content["status"] == "found"
    changed = call(tools, "verify_citation", citation=citation, text=TEXT.replace("Ada", "Eva"))
    assert changed.structured_content["status"] == "reworded"


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("ask", {"question": " "}, "The question is empty"),
        ("ask", {"question": WHO, "document_ids": ["no"]}, "No document has this id"),
        ("find_passages", {"query": "?"}, "The question is empty"),
        ("get_document", {"document_id": "../secret"}, "No document has this id"),
        ("verify_citation", {"citation": {"quote": 5}}, 'A citation needs "quote"'),
        ("verify_citation", {"citation": {"quote": "x"}}, "Nothing says which document"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tools: Any, tool: str, arguments: Any, sentence: str) -> None:
    result = call(tools, tool, **arguments)
    assert result.is_error
    assert sentence in result.content[0].text


def test_a_mistake_of_ours_is_not_told(tools: Any, assistant_: Serving) -> None:
    assistant_.error = RuntimeError("/secret/path")
    try:
        result = call(tools, "ask", question=WHO)
    finally:
        assistant_.error = None
    assert result.is_error
    assert "secret" not in result.content[0].text


def test_making_tools_leaves_logging_alone(tools: Any) -> None:
    import logging

    before = logging.getLogger().handlers[:], logging.getLogger().level
    services = Services(Serving(), Settings())
    make_tools(services)
    services.close()
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


# ── Over HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from scripted_server import Serving; from qa.config import Settings; from qa.web.server import serve\n"
        f"serve(Serving, Settings(port=0, api_keys=({KEY!r},)), on_ready=lambda address: print(address, flush=True))"
    )
    command = [sys.executable, "-c", program, str(ROOT), str(ROOT / "tests")]
    folder = tmp_path_factory.mktemp("served")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def over_http(address: str, use: Any, **headers: str) -> Any:
    async def talk() -> Any:
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
        ):
            return await use(client)

    return asyncio.run(talk())


def test_a_real_client_asks_over_http(address: str) -> None:
    async def use(client: Client) -> Any:
        listed = await client.list_tools()
        answer = await client.call_tool("ask", {"question": WHO})
        (citation,) = answer.structured_content["citations"]
        return listed.tools, citation, await client.call_tool("verify_citation", {"citation": citation})

    listed, citation, verified = over_http(address, use, authorization=f"Bearer {KEY}")
    assert len(listed) == 4
    assert citation["quote"] == "Ada Brown"
    assert verified.structured_content["status"] == "found"


def test_without_a_key_no_client_gets_in(address: str) -> None:
    response = httpx2.post(f"{address}/mcp", json={}, trust_env=False)
    assert response.status_code == 401
    assert response.json()["type"] == "urn:spanwise:problem:key-needed"
    foreign = {"origin": "https://evil.example", "authorization": f"Bearer {KEY}"}
    assert httpx2.post(f"{address}/mcp", json={}, headers=foreign, trust_env=False).status_code == 403


# ── Over standard input and output ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_real_client_asks_over_stdio(tmp_path: Path, article_text: str) -> None:
    program = "import network_guard; network_guard.install(); from qa.cli import main; main()"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    keep = {name: value for name, value in os.environ.items() if name.startswith(("SPANWISE_", "XDG_", "HOME"))}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", program, "mcp", "--depth", "quick"],
        env={**keep, "PYTHONPATH": path},
        cwd=tmp_path,
    )

    async def use(client: Client) -> Any:
        answer = await client.call_tool("ask", {"question": "What gifts did Kim receive?"})
        first = answer.structured_content["citations"][0]
        return first, await client.call_tool("verify_citation", {"citation": first})

    async def talk() -> Any:
        async with Client(stdio_client(server)) as client:
            return await use(client)

    citation, verified = asyncio.run(talk())
    assert article_text[citation["start"] : citation["end"]] == citation["quote"]
    assert verified.structured_content["status"] == "found"

"""The widget's addresses: its script, the Embed page, a demonstration, and a page for frames.

`/widget/spanwise.js` is the `<span-wise>` element and all that a site loads; `/widget/` helps to put it there;
`/widget/demo` shows it on the first document as a publisher would; `/embed` is for sites without foreign scripts.
Every page has a policy of its own that lets in nothing but these files.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from index.types import Document

LONGEST_DEMO = 200_000  # characters of a document that the demonstration shows
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_TYPES = {"js": "text/javascript", "css": "text/css"}
_FILES = ("spanwise.js", "embed.js", "embed.css", "demo.css", "frame.js", "frame.css")
_BLANK_LINES = re.compile(r"(?:[^\S\r\n]*(?:\r\n|[\r\n])){2,}")


def add_to(app: FastAPI, documents: Sequence[Document], *, origins: Sequence[str] = ()) -> None:
    """Add the routes. `origins` are the sites that may use the widget; only they and this server may frame `/embed`."""

    @app.get("/widget", include_in_schema=False)
    async def without_slash() -> Response:
        return RedirectResponse("widget/")

    @app.get("/widget/", include_in_schema=False)
    async def embed_page() -> Response:
        listed = "".join(f"<li><code>{escape(origin)}</code></li>" for origin in origins)
        nobody = "<li>None yet: only this server’s own pages may ask.</li>"
        return _page(_text("embed.html").substitute(origins=listed or nobody), {**POLICY, "frame-src": "'self'"})

    @app.get("/widget/demo", include_in_schema=False)
    async def demo() -> Response:
        return _page(publisher_page(documents[0], script="spanwise.js", style="demo.css"))

    @app.get("/embed", include_in_schema=False)
    async def frame() -> Response:
        ancestors = " ".join(["'self'", *origins])
        return _page(_text("frame.html").template, {**POLICY, "frame-ancestors": ancestors})

    @app.get("/widget/{name}", include_in_schema=False)
    async def asset(name: str, request: Request) -> Response:
        if name not in _FILES:
            return Response("not found", status_code=404, media_type="text/plain")
        return _asset(name, request)


def publisher_page(document: Document, *, script: str, style: str) -> str:
    """A document as the article of a site that has the widget; `script` and `style` are the addresses of the two."""
    paragraphs = [part.strip() for part in _BLANK_LINES.split(document.text[:LONGEST_DEMO]) if part.strip()]
    title = document.title
    if paragraphs and paragraphs[0] == title:
        del paragraphs[0]
    return _text("demo.html").substitute(
        title=escape(title),
        body="\n".join(f'<p dir="auto">{escape(paragraph)}</p>' for paragraph in paragraphs),
        script=escape(script),
        style=escape(style),
    )


def _page(html: str, policy: dict[str, str] = POLICY) -> Response:
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cache-control": "no-cache",
    }
    return Response(html, media_type="text/html; charset=utf-8", headers=headers)


@cache
def _text(name: str) -> Template:
    return Template((files("qa.web") / "widget" / name).read_text(encoding="utf-8"))


@cache
def _packed(name: str) -> tuple[bytes, bytes, str]:
    """A file as it is, gzipped, and what tells one version of it from another."""
    content = (files("qa.web") / "widget" / name).read_bytes()
    return content, gzip.compress(content, 9, mtime=0), f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _asset(name: str, request: Request) -> Response:
    content, packed, tag = _packed(name)
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers = packed, {**headers, "content-encoding": "gzip"}
    return Response(content, media_type=f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8", headers=headers)

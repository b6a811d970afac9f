"""The page at `/api/v1/docs`: the API's description to read and to try, with nothing from another host.

It is open to whoever can reach the server, as the chat is; what it shows comes from `openapi.json`, behind the API's
own gate.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import FastAPI
from starlette.responses import Response

from qa.web.api import BASE
from qa.web.widget_routes import POLICY

PAGE = f"{BASE}/docs"


def add_to(app: FastAPI) -> None:
    """Add the routes; before the API is mounted, which would take them."""

    @app.get(PAGE, include_in_schema=False)
    async def page() -> Response:
        policy = "; ".join(f"{name} {value}" for name, value in POLICY.items())
        headers = {"content-security-policy": policy, "cache-control": "no-cache"}
        return Response(_asset("docs.html"), media_type="text/html; charset=utf-8", headers=headers)

    @app.get(f"{PAGE}/page.js", include_in_schema=False)
    async def script() -> Response:
        return _file(_asset("docs.js"), "text/javascript")

    @app.get(f"{PAGE}/page.css", include_in_schema=False)
    async def style() -> Response:
        return _file("\n".join(_asset(f"{name}.css") for name in ("tokens", "parts", "docs")), "text/css")


def _file(content: str, kind: str) -> Response:
    return Response(content, media_type=f"{kind}; charset=utf-8", headers={"cache-control": "no-cache"})


@cache
def _asset(name: str) -> str:
    return (files("qa.web") / "assets" / name).read_text(encoding="utf-8")

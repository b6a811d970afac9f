"""Sites for the widget's tests: a publisher of another origin with a strict policy, and the answer service itself.

The publisher may load the script and call the service, and nothing else: no inline style or script, no other host.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def policy(server: str) -> str:
    return (
        f"default-src 'none'; script-src {server}; connect-src {server}; style-src 'self'; img-src data:; "
        "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


@contextmanager
def site(pages: Callable[[str], tuple[str, str, str] | None]) -> Iterator[str]:
    """Serve `pages(path) -> (content type, body, content-security policy)` on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages(self.path)
            self.send_response(200 if found else 404)
            kind, body, csp = found or ("text/plain", "not found", "default-src 'none'")
            self.send_header("content-type", f"{kind}; charset=utf-8")
            self.send_header("content-security-policy", csp)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)

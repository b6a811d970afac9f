"""Behind a real nginx, with the configuration of docs/deploying.md as it stands there; over https, under a prefix."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import OpenPage, ask, serving
from gradio_caller import opened
from playwright.sync_api import expect
from scripted_server import WHO, Serving

from qa.config import Settings

pytestmark = pytest.mark.slow

PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])  # not everyone's path has them
GUIDE = (Path(__file__).resolve().parent.parent / "docs" / "deploying.md").read_text(encoding="utf-8")
SITE = "https://news.example"
OUTSIDE = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
        location / {{ return 204; }}  # the rest of the site, such as its icon
        {location}
    }}
}}
"""


BUFFERING = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"  # as a proxy in front of ours may


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def programs() -> tuple[str, str]:
    """nginx and openssl. Without them the tests are skipped, but never in CI: there they fail."""
    nginx, openssl = (shutil.which(name, path=PLACES) for name in ("nginx", "openssl"))
    if nginx and openssl:
        return nginx, openssl
    message = "no nginx or openssl on this machine: `make test` installs them where it may; no proxy was tried"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module", params=["stripped", "not stripped"])
def address(
    request: pytest.FixtureRequest, programs: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    from qa.web.server import create_app

    nginx_program, openssl = programs
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = dict(re.findall(r"--(root-path|trusted-proxy) (\S+)", GUIDE[: GUIDE.index("## systemd")]))
    settings = Settings(
        rate="off",
        origins=(SITE,),
        root_path=options["root-path"],
        trusted_proxies=(options["trusted-proxy"],),
    )
    with serving(lambda: create_app(Serving(), settings)) as inside:
        (location,) = re.findall(r"```nginx\n(.*?)```", GUIDE, flags=re.DOTALL)
        location = location.replace("http://127.0.0.1:7860/", f"{inside}/")
        held = location.replace("/ask/", "/held/").replace("proxy_buffering off;", BUFFERING)
        if request.param == "not stripped":
            location = location.replace(f"{inside}/;", f"{inside};")
        configuration = folder / "nginx.conf"
        configuration.write_text(OUTSIDE.format(folder=folder, port=port, location=location + held), encoding="utf-8")
        with subprocess.Popen([nginx_program, "-p", folder, "-c", configuration], stderr=subprocess.DEVNULL) as nginx:
            url = f"https://localhost:{port}/ask"
            deadline = time.monotonic() + 20
            try:
                while True:
                    try:
                        httpx.get(f"{url}/healthz", verify=False)
                        break
                    except httpx.HTTPError:
                        assert time.monotonic() < deadline, (folder / "error.log").read_text(encoding="utf-8")
                        time.sleep(0.05)
                yield url
            finally:
                nginx.terminate()


def call(address: str, method: str, path: str, **sent: Any) -> httpx.Response:
    with httpx.Client(verify=False, trust_env=False) as client:
        return client.request(method, f"{address}{path}", **sent)


def test_every_face_is_there(address: str) -> None:
    for path in ("/", "/healthz", "/readyz", "/metrics", "/embed", "/widget/", "/widget/spanwise.js", "/theme.css"):
        assert call(address, "GET", path).status_code == 200, path
    assert call(address, "GET", "/config").json()["root"] == address
    assert call(address, "GET", "/api/v1/openapi.json").json()["servers"] == [{"url": "/ask/api/v1"}]


def test_gradios_own_client_works(address: str) -> None:
    with opened(address, ssl_verify=False) as client:
        assert client.predict(WHO, api_name="/ask")["text"] == "Ada Brown"


def test_the_page_of_the_api_works_in_a_browser(address: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}/", ignore_https_errors=True)
    page.get_by_role("link", name="API").click()
    part = page.locator("#documents")
    part.get_by_text("Try it", exact=True).click()
    part.get_by_role("button", name="Send").click()
    expect(part.get_by_role("region", name="Answer of documents")).to_contain_text('"title": "ferry.txt"')
    assert f"curl '{address}/api/v1/documents'" in part.inner_text()


def test_the_api_answers_at_once_and_as_a_stream(address: str) -> None:
    assert call(address, "POST", "/api/v1/ask", json={"question": WHO}).json()["items"][0]["text"] == "Ada Brown"
    with (
        httpx.Client(verify=False, trust_env=False) as client,
        client.stream("POST", f"{address}/api/v1/ask/stream", json={"question": WHO}) as response,
    ):
        names = re.findall(r"^event: (\w+)$", "".join(response.iter_text()), flags=re.MULTILINE)
    assert names == ["passages", "candidate", "final"]


def test_a_stream_comes_as_it_is_made(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat goes through nginx while the answer is not there yet."""
    monkeypatch.setattr("qa.web.api.HEARTBEAT", 0.05)
    slow = 1.0

    def ask_slowly(self: Any, *arguments: Any, **options: Any) -> Any:
        time.sleep(slow)
        return real(self, *arguments, **options)

    real = Serving.ask
    monkeypatch.setattr(Serving, "ask", ask_slowly)
    began = time.monotonic()
    with (
        httpx.Client(verify=False, trust_env=False) as client,
        client.stream("POST", f"{address}/api/v1/ask/stream", json={"question": WHO}) as response,
    ):
        assert next(response.iter_text()).startswith(": still reading")
        assert time.monotonic() - began < slow


def test_a_proxy_that_holds_streams_back_does_no_harm(address: str) -> None:
    held = f"{address.removesuffix('/ask')}/held"
    at_once = call(held, "POST", "/api/v1/ask", json={"question": WHO})
    assert at_once.json()["items"][0]["text"] == "Ada Brown"
    assert "event: final" in call(held, "POST", "/api/v1/ask/stream", json={"question": WHO}).text


def test_origins_are_compared_with_the_public_name(address: str) -> None:
    own = address.removesuffix("/ask")
    assert call(address, "POST", "/api/v1/ask", json={"question": WHO}, headers={"origin": own}).status_code == 200
    listed = call(address, "POST", "/api/v1/ask", json={"question": WHO}, headers={"origin": SITE})
    assert listed.headers["access-control-allow-origin"] == SITE
    for path in ("/", "/api/v1/documents", "/config", "/gradio_api/upload"):
        assert call(address, "GET", path, headers={"origin": "https://evil.example"}).status_code == 403
    forged = {"x-forwarded-host": "evil.example", "x-forwarded-for": "6.6.6.6", "origin": "https://evil.example"}
    refused = call(address, "GET", "/api/v1/documents", headers=forged)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_the_chat_works_in_a_browser(address: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}/", ignore_https_errors=True)
    ask(page, WHO)
    assert "Ada Brown" in page.locator(".bot-row .sw-card[id]").last.inner_text()


def test_the_widget_lights_up_an_article_in_a_browser(address: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}/", ignore_https_errors=True)
    page.goto(f"{address}/widget/demo")
    page.locator("span-wise input").fill(WHO)
    page.keyboard.press("Enter")
    expect(page.locator("span-wise q")).to_have_text("Ada Brown")
    lit = page.evaluate("[...CSS.highlights.get('spanwise-hand')].map(String)")
    assert lit == ["Ada Brown"]


def test_an_own_document_can_be_opened(address: str, open_page: OpenPage, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("My own words about a lighthouse.", encoding="utf-8")
    page = open_page(f"{address}/", ignore_https_errors=True)
    page.locator("input[type=file]").first.set_input_files(mine)
    page.get_by_text("My own words about a lighthouse.").first.wait_for()

"""The whole system beneath a path of another site, behind a real nginx that is set up as
docs/edge.md says: page, documentation, links, events, downloads and mails stay beneath it.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from playwright.sync_api import expect

from standalone.ports import free_port
from tests.browser.browsers import find_browser, launched
from tests.browser.studio import Studio, photograph
from tests.support.broker import Broker
from tests.support.guard import Guard
from tests.support.postgres import PostgresServer, create_database, drop_database
from tests.support.system import System, running_system, wait_for

DOCUMENT = Path(__file__).parents[2] / "docs" / "edge.md"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
# A site of somebody else's, which answers everything that is not ours.
SITE = """
daemon off; pid {directory}/pid; error_log {directory}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 418; }}
    {locations}
  }}
}}
"""


def locations(gateway: int) -> str:
    """The part of a configuration that the documentation gives."""
    text = DOCUMENT.read_text().partition("## Below a path of another site")[2]
    block = re.search(r"```nginx\n(.+?)```", text, re.DOTALL)
    assert block is not None
    assert "127.0.0.1:8000" in block[1]
    return block[1].replace("127.0.0.1:8000", f"127.0.0.1:{gateway}")


@dataclass
class Site:
    url: str  # where people reach the system
    system: System


@pytest.fixture(scope="module")
def site(
    broker: Broker, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    if NGINX is None:
        pytest.skip("needs nginx: tests/prepare installs it")
    port = free_port()
    url = f"http://127.0.0.1:{port}/dither"
    directory = tmp_path_factory.mktemp("nginx")
    database_url = create_database(postgres_server)
    settings = {
        "ACCESS": "owned",
        "PRINCIPAL_SECRET": "a secret of thirty-two characters",
        "PUBLIC_URL": url,
        "GATEWAY_TRUSTED_PROXIES": "127.0.0.1/32",
        "MAIL_CONFIRM": "false",
    }
    try:
        with running_system(
            tmp_path_factory.mktemp("system"), broker, database_url, settings
        ) as system:
            configuration = directory / "nginx.conf"
            configuration.write_text(
                SITE.format(directory=directory, port=port, locations=locations(system.port))
            )
            with nginx(configuration):
                wait_for(lambda: requests.get(f"{url}/health", timeout=5).ok, "the site")
                yield Site(url, system)
    finally:
        drop_database(postgres_server, database_url)


@contextmanager
def nginx(configuration: Path) -> Iterator[None]:
    assert NGINX is not None
    process = subprocess.Popen([NGINX, "-c", str(configuration), "-p", str(configuration.parent)])
    guard = Guard(process.pid)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
        guard.release()


def addresses(value: Any) -> Iterator[str]:
    """All texts in an answer that lead somewhere."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from addresses(part)
    elif isinstance(value, str) and re.match("https?://|/", value):
        yield value


def finished(line: str) -> str | None:
    """The link to the first dither, if the line of an event stream has it."""
    if not line.startswith("data: "):
        return None
    dithers = json.loads(line.removeprefix("data: "))["dithers"]
    link: str | None = dithers[0]["url_dither"] if dithers else None
    return link


def test_what_is_not_beneath_the_path_is_the_sites(site: Site) -> None:
    origin = site.url.removesuffix("/dither")
    assert requests.get(f"{origin}/images", timeout=30).status_code == 418
    redirect = requests.get(site.url, timeout=30, allow_redirects=False)
    assert (redirect.status_code, redirect.headers["location"]) == (308, f"{origin}/dither/")


def test_links_of_the_api_stay_beneath_the_path(site: Site) -> None:
    client = requests.Session()
    form = {"file": ("a.jpg", photograph())}
    created = client.post(f"{site.url}/images", files=form, timeout=30)
    assert created.status_code == 201, created.text
    uuid = created.json()["uuid"]
    assert created.headers["location"] == f"/dither/images/{uuid}"

    def done() -> dict[str, Any] | None:
        image: dict[str, Any] = client.get(f"{site.url}/images/{uuid}", timeout=30).json()
        return image if image["dithers"] and image["dithers"][0]["url_dither"] else None

    image = wait_for(done, "dither")
    links = set(addresses(image))
    assert len(links) >= 2, image
    for link in links:
        assert link.startswith(f"{site.url}/"), link
        answer = client.get(link, timeout=30)
        assert (answer.status_code, answer.content != b"") == (200, True), link
    [dither] = image["dithers"]
    file = client.get(f"{site.url}/dithers/{uuid}/{dither['dither_id']}", params={"format": "bmp"})
    assert file.content.startswith(b"BM")
    assert client.delete(f"{site.url}/images/{uuid}", timeout=30).status_code == 204


def test_events_arrive_while_the_dither_is_made(site: Site) -> None:
    client = requests.Session()
    form = {"file": ("a.jpg", photograph(seed=2))}
    uuid = client.post(f"{site.url}/images", files=form, timeout=30).json()["uuid"]
    with client.get(f"{site.url}/images/{uuid}/events", stream=True, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
        link = next(found for found in map(finished, lines) if found)
    assert link.startswith(f"{site.url}/")


def test_the_documentation_is_whole(site: Site) -> None:
    page = requests.get(f"{site.url}/docs", timeout=30)
    assert page.status_code == 200
    parts = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert parts
    for part in parts:
        answer = requests.get(urljoin(page.url, part), timeout=30)
        assert answer.status_code == 200, part
    document = requests.get(f"{site.url}/openapi.json", timeout=30).json()
    assert document["servers"] == [{"url": "/dither"}]
    problem = requests.get(f"{site.url}/nothing", timeout=30).json()
    assert requests.get(urljoin(site.url, problem["type"]), timeout=30).status_code == 200


def test_a_mail_leads_beneath_the_path(site: Site) -> None:
    form = {"file": ("a.jpg", photograph(seed=3))}
    answer = requests.post(
        f"{site.url}/images", files=form, data={"email": "ann@example.org"}, timeout=30
    )
    assert answer.status_code == 201, answer.text
    mail = wait_for(lambda: next(iter(site.system.mails()), None), "mail")
    text = mail.get_body(("plain",))
    assert text is not None
    links = re.findall(r"https?://[^\s<>]+", text.get_content())
    assert links
    assert [link for link in links if not link.startswith(f"{site.url}/")] == []
    for link in links:
        assert requests.get(link, timeout=30).status_code == 200, link


def test_the_page_asks_nothing_beside_the_path(site: Site) -> None:
    executable = find_browser()
    if executable is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with launched(executable) as browser:
        page = browser.new_page()
        asked: list[str] = []
        failed: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "response",
            lambda response: failed.append(response.url) if response.status >= 400 else None,
        )
        studio = Studio(page, site.url)
        studio.visit()
        studio.open(photograph(seed=4))
        assert studio.downloaded().name.endswith(".png")
        dialog = studio.saved()
        shown = dialog.locator(".result-picture").get_attribute("src") or ""
        assert urljoin(f"{site.url}/", shown).startswith(f"{site.url}/")
        page.reload()
        expect(page.locator("body")).to_be_visible()
    outside = {url for url in asked if not url.startswith((f"{site.url}/", "blob:", "data:"))}
    assert outside == set()
    assert any(url.endswith("/events") for url in asked)
    assert failed == []

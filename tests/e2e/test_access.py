"""The tables of docs/security.md, asked cell by cell: each route, by each kind of caller."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from api_gateway.keys import new_key
from api_gateway.routes import ROUTES
from shared.signing import Identities
from tests.support.broker import Broker
from tests.support.pictures import picture
from tests.support.postgres import PostgresServer, create_database, drop_database
from tests.support.system import System, running_system, wait_for

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
MODES = ("owned", "keys", "open")
NOBODY, BROWSER, KEY, OWNER, OPERATOR = (
    "nobody", "another browser", "another key", "the owner", "an operator",
)  # fmt: skip
SECRET = "a secret of thirty-two characters"
MADE = {
    "owner": new_key("owner", "read,write", {}),
    "other": new_key("other", "read,write", {}),
    "operator": new_key("operator", "operate", {}),
}
PNG = picture("PNG", (16, 12))
EMAIL = "ada.lovelace@example.org"
REFUSED = {401, 403, 404, 405, 421}


def table(mode: str) -> dict[str, dict[str, str]]:
    """What the document says: by route, then by caller."""
    _, _, section = DOCUMENT.read_text().partition(f"### `ACCESS={mode}`\n\n")
    lines = section.split("\n\n")[0].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def test_the_tables_have_every_route() -> None:
    methods = {(m, r) for r in ROUTES for m in r.methods if m != "HEAD"}
    routes = {f"{method} {route.path.replace(':path', '')}" for method, route in methods}
    routes |= {"GET /health", "GET /metrics"}
    for mode in MODES:
        assert {re.findall("`(.+)`", label)[0] for label in table(mode)} == routes


@dataclass
class World:
    """A running system, the callers' header fields, and an image of each that may have one."""

    mode: str
    system: System
    callers: dict[str, dict[str, str]]
    images: dict[str, str] = field(default_factory=dict)
    image: dict[str, Any] = field(default_factory=dict)  # the owner's, as its owner sees it

    def ask(self, caller: str, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(
            method,
            self.system.url + path,
            headers=self.callers[caller],
            timeout=30,
            stream=True,
            allow_redirects=False,
            **options,
        )

    def upload(self, caller: str, **fields: str) -> requests.Response:
        files = {"file": ("my photo.png", io.BytesIO(PNG))}
        return self.ask(caller, "POST", "/images", files=files, data=fields)


@pytest.fixture(scope="module", params=MODES)
def world(
    request: pytest.FixtureRequest,
    broker: Broker,
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    mode = request.param
    environment = {"ACCESS": mode}
    if mode != "open":
        entries = ",".join(entry for _, entry in MADE.values())
        environment |= {"PRINCIPAL_SECRET": SECRET, "GATEWAY_API_KEYS": entries}
    database = create_database(postgres_server)
    with running_system(tmp_path_factory.mktemp(mode), broker, database, environment) as system:
        made = World(mode, system, callers(mode))
        prepare(made)
        yield made
    drop_database(postgres_server, database)


def callers(mode: str) -> dict[str, dict[str, str]]:
    """The header fields of each; the owner is a browser where browsers are let in."""
    keys = {name: {"X-API-Key": key} for name, (key, _) in MADE.items()}
    cookies = {
        name: {"Cookie": f"dither={Identities(SECRET).issue(f'anon:{name}')}"}
        for name in ("ada", "bob")
    }
    return {
        NOBODY: {},
        BROWSER: cookies["bob"],
        KEY: keys["other"],
        OWNER: keys["owner"] if mode == "keys" else cookies["ada"],
        OPERATOR: keys["operator"],
    }


def prepare(world: World) -> None:
    """Upload an image for each caller that may, and wait for the dithers and for the mail."""
    for caller in (BROWSER, KEY, OPERATOR, OWNER):
        answer = world.upload(caller, email=EMAIL)
        if answer.status_code == 201:
            world.images[caller] = answer.json()["uuid"]
    path = f"/images/{world.images[OWNER]}"

    def dithered() -> bool:
        world.image = world.ask(OWNER, "GET", path).json()
        return bool(world.image["status"] == "dithered")

    def known(caller: str) -> bool:
        answer = world.ask(caller, "GET", f"/dithers/{world.images[caller]}")
        return answer.ok and bool(answer.json()["dithers"])

    wait_for(dithered, "dither of the owner's image")
    wait_for(lambda: all(map(known, world.images)), "dithers of the others")
    mails = f"/notifications/{world.images[OWNER]}"
    wait_for(lambda: world.ask(OWNER, "GET", mails).ok, "the image's recipient")


def listed(world: World, caller: str, path: str) -> str:
    answer = world.ask(caller, "GET", path)
    if not answer.ok:
        return str(answer.status_code)
    found = {item["uuid"] for item in answer.json()["items"]}
    others = {uuid for of, uuid in world.images.items() if of != caller}
    if others <= found:
        return "all"
    return "others'" if found & others else "own" if found else "none"


def shown(world: World, caller: str, path: str, secret: str) -> str:
    """``whole`` if the answer has what only the owner is shown."""
    answer = world.ask(caller, "GET", path)
    if not answer.ok:
        return str(answer.status_code)
    return "whole" if secret in answer.text else "link"


def done(world: World, caller: str, method: str, path: str, **options: Any) -> str:
    """``yes``, or the status by which the caller is refused."""
    with world.ask(caller, method, path, **options) as answer:
        assert answer.status_code < 500, answer.text
        return str(answer.status_code) if answer.status_code in REFUSED else "yes"


def deleted(world: World, caller: str) -> str:
    uuid = world.upload(OWNER).json()["uuid"]
    return done(world, caller, "DELETE", f"/images/{uuid}")


def uploaded(world: World, caller: str) -> str:
    answer = world.upload(caller)
    if answer.status_code != 201:
        return str(answer.status_code)
    uuid = answer.json()["uuid"]
    assert world.ask(OPERATOR, "DELETE", f"/images/{uuid}").status_code == 204
    return "yes"


Question = Callable[[World, str], str]


def plain(method: str, path: str, **options: Any) -> Question:
    return lambda world, caller: done(
        world, caller, method, path.format(uuid=world.images[OWNER]), **options
    )


def of_link(name: str) -> Question:
    """A file by the path of a link in the owner's image."""

    def ask(world: World, caller: str) -> str:
        url = world.image["url"] if name == "url" else world.image["dithers"][0][name]
        parts = urlsplit(url)
        return done(world, caller, "GET", f"{parts.path}?{parts.query}")

    return ask


QUESTIONS: dict[str, Question] = {
    "`GET /images`": lambda w, c: listed(w, c, "/images?limit=100"),
    "`POST /images`": uploaded,
    "`GET /images/{uuid}`": lambda w, c: shown(w, c, f"/images/{w.images[OWNER]}", "my photo.png"),
    "`GET /images/{uuid}/file`": plain("GET", "/images/{uuid}/file"),
    "`GET /images/{uuid}/events`": plain("GET", "/images/{uuid}/events"),
    "`POST /images/{uuid}/{channels}`": plain("POST", "/images/{uuid}/3?palette=%23012345,%23fff"),
    "`DELETE /images/{uuid}`": deleted,
    "`GET /dithers`": lambda w, c: listed(w, c, "/dithers?limit=100"),
    "`GET /dithers/{uuid}`": lambda w, c: shown(w, c, f"/dithers/{w.images[OWNER]}", "#012345"),
    "`GET /dithers/{uuid}/{dither_id}`": lambda w, c: done(
        w, c, "GET", f"/dithers/{w.images[OWNER]}/{w.image['dithers'][0]['dither_id']}"
    ),
    "`GET /notifications/{uuid}`": plain("GET", "/notifications/{uuid}"),
    "`GET /files/{key}` (an original, by its key)": plain("GET", "/files/images/{uuid}.png"),
    "`GET /files/{key}` (an original, by the owner's link)": of_link("url"),
    "`GET /files/{key}` (a dither)": of_link("url_dither"),
    "`GET /dither`": plain("GET", "/dither"),
    "`POST /dither`": plain("POST", "/dither"),
    "`POST /preview`": plain("POST", "/preview"),
    "`POST /previews/{answer}`": plain("POST", "/previews/facts", json={}),
    "`GET /options`": plain("GET", "/options"),
    "`GET /health`": lambda w, c: shown(w, c, "/health", "services"),
    "`GET /metrics`": plain("GET", "/metrics"),
    "`GET /mail/{action}/{token}` (a made-up token)": plain("GET", "/mail/confirm/none"),
    "`POST /mail/{action}/{token}` (a made-up token)": plain("POST", "/mail/confirm/none"),
}


def test_each_caller_may_do_what_the_document_says(world: World) -> None:
    said = table(world.mode)
    # The owner's question first: it makes the dither whose palette is looked for below.
    order = [OWNER, *(caller for caller in world.callers if caller != OWNER)]
    found = {label: {caller: QUESTIONS[label](world, caller) for caller in order} for label in said}
    wrong = [
        f"{label}, {caller}: {found[label][caller]}, not {cell}"
        for label, cells in said.items()
        for caller, cell in cells.items()
        if found[label][caller] != cell
    ]
    assert wrong == []

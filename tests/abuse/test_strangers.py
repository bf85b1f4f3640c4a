"""A stranger knows the uuid of somebody's picture, or has another API key. What do they get?

Everything here goes through the whole system, so that the owner travels with the messages.
"""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from api_gateway.keys import new_key
from tests.support.broker import Broker
from tests.support.system import System, running_system, wait_for

SHOP_KEY, SHOP = new_key("shop", "read,write", {})
RIVAL_KEY, RIVAL = new_key("rival", "read,write", {})
OPERATOR_KEY, OPERATOR = new_key("ops", "operate", {})
NAME = "ada in the garden.jpg"
PLACE = "N 51 30 26"
GPS_INFO = 0x8825


@pytest.fixture(scope="module")
def owned(
    broker: Broker, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    environment = {
        "ACCESS": "owned",
        "PRINCIPAL_SECRET": "a secret of thirty-two characters",
        "GATEWAY_API_KEYS": ",".join((SHOP, RIVAL, OPERATOR)),
        "KEEP_METADATA": "true",  # so that an original has something to hide
    }
    directory = tmp_path_factory.mktemp("owned")
    with running_system(directory, broker, database, environment) as running:
        yield running


class Caller:
    """A browser (which keeps cookies), or a program with a key or a token."""

    def __init__(self, system: System, **headers: str) -> None:
        self._system = system
        self._session = requests.Session()
        self._session.headers.update({k.replace("_", "-"): v for k, v in headers.items()})

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self._system.url + path, timeout=30, **options)

    def upload(self, **fields: str) -> dict[str, Any]:
        answer = self.ask("POST", "/images", files={"file": (NAME, photo())}, data=fields)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def dithered(self, uuid: str, count: int = 1) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            image = self.ask("GET", f"/images/{uuid}").json()
            done = [d for d in image["dithers"] if d["status"] == "done"]
            return dict(image) if len(done) >= count else None

        return wait_for(look, f"{count} dithers of {uuid}")


def photo() -> bytes:
    """A photograph that says where it was taken."""
    image = Image.effect_noise((64, 48), 60).convert("RGB")
    exif = Image.Exif()
    exif.get_ifd(GPS_INFO)[29] = PLACE  # GPSDateStamp: any text will do
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    assert PLACE.encode() in file.getvalue()
    return file.getvalue()


def strangers(system: System) -> list[Caller]:
    """Nobody, another browser, another key."""
    browser = Caller(system)
    browser.upload()
    return [Caller(system), browser, Caller(system, X_API_Key=RIVAL_KEY)]


def nothing_is_seen(stranger: Caller, uuid: str, image: dict[str, Any]) -> None:
    """Of what the stranger can ask for, nothing is the owner's own."""
    for path in ("/images?limit=100", "/dithers?limit=100"):
        assert uuid not in stranger.ask("GET", path).text
    for path in (f"/images/{uuid}", f"/dithers/{uuid}"):
        answer = stranger.ask("GET", path)
        assert answer.status_code == 200, "the link shows the picture"
        for secret in (NAME, image["url"], "/files/images/", "#123456", image["owner"]):
            assert secret not in answer.text
    for path in ("events", "file"):
        assert stranger.ask("GET", f"/images/{uuid}/{path}").status_code == 404
    assert stranger.ask("GET", f"/notifications/{uuid}").status_code == 404
    assert stranger.ask("GET", urlsplit(image["url"]).path).status_code == 404


def nothing_is_changed(stranger: Caller, uuid: str) -> None:
    assert stranger.ask("POST", f"/images/{uuid}/16").status_code == 404
    assert stranger.ask("DELETE", f"/images/{uuid}").status_code == 404


def owners(system: System) -> dict[str, tuple[Caller, dict[str, Any]]]:
    """A browser, a program with a token, and one with a key, each with a picture."""
    email = {"email": "ada.lovelace@example.org"}
    browser, key, new = Caller(system), Caller(system, X_API_Key=SHOP_KEY), Caller(system)
    first = new.upload(**email)
    program = Caller(system, X_Manage_Token=first["manage_token"])
    return {
        "browser": (browser, browser.upload(**email)),
        "program": (program, first),
        "key": (key, key.upload(**email)),
    }


def test_nothing_of_anothers_is_seen_changed_or_deleted(owned: System) -> None:
    others = strangers(owned)
    for owner, uploaded in owners(owned).values():
        uuid = uploaded["uuid"]
        owner.dithered(uuid)
        own = owner.ask("POST", f"/images/{uuid}/4", json={"palette": ["#123456", "#fff"]})
        assert own.status_code in {200, 202}, own.text
        image = owner.dithered(uuid, count=2)
        assert image["filename"] == NAME
        link = urlsplit(image["url"])
        assert PLACE.encode() in owner.ask("GET", f"{link.path}?{link.query}").content
        for stranger in others:
            nothing_is_seen(stranger, uuid, image)
            nothing_is_changed(stranger, uuid)
        assert len(owner.dithered(uuid, count=2)["dithers"]) == 2
        assert owner.ask("DELETE", f"/images/{uuid}").status_code == 204


def test_an_operator_sees_all_and_may_delete_all(owned: System) -> None:
    operator = Caller(owned, X_API_Key=OPERATOR_KEY)
    browser = Caller(owned)
    uuid = browser.upload()["uuid"]
    browser.dithered(uuid)
    assert uuid in operator.ask("GET", "/images?limit=100").text
    assert operator.ask("GET", f"/images/{uuid}").json()["owner"].startswith("anon:")
    assert operator.ask("POST", f"/images/{uuid}/3").status_code == 202
    assert operator.ask("DELETE", f"/images/{uuid}").status_code == 204
    assert browser.ask("GET", f"/images/{uuid}").status_code == 404


def test_a_service_that_is_reached_directly_takes_the_caller_for_nobody(owned: System) -> None:
    browser = Caller(owned)
    image = browser.upload()
    uuid = image["uuid"]
    browser.dithered(uuid)
    ports = {name: owned.child(name).port for name in ("upload", "dither", "notification")}
    forged = {"X-Principal": "WyJrZXk6b3BzIixbIm9wZXJhdGUiXV0.c2lnbmF0dXJl", "X-API-Key": SHOP_KEY}
    for headers in ({}, forged):

        def ask(method: str, service: str, path: str) -> requests.Response:
            url = f"http://127.0.0.1:{ports[service]}{path}"
            return requests.request(method, url, headers=headers, timeout=30)  # noqa: B023

        for service in ("upload", "dither"):
            assert ask("GET", service, "/images").json()["items"] == []
            assert NAME not in ask("GET", service, f"/images/{uuid}").text
        assert ask("POST", "upload", "/images").status_code == 401
        assert ask("DELETE", "upload", f"/images/{uuid}").status_code == 404
        assert ask("GET", "upload", f"/recipients/{uuid}").status_code == 404
        assert ask("POST", "dither", f"/images/{uuid}/7").status_code == 404
        assert ask("GET", "notification", f"/notifications/{uuid}").status_code == 404

"""What a person does: upload a photograph, see it dithered, get the mail, delete it."""

import io
import json
import re
from typing import Any

import pytest
import requests
from PIL import Image

from tests.support.broker import Broker
from tests.support.pictures import photograph
from tests.support.system import System, wait_for
from tests.support.topics import read_topic

ADDRESS = "ann@example.org"


def fetch(url: str) -> requests.Response:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer


def indexed(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.mode) == ("PNG", "P")
    return image


def test_an_uploaded_photograph_is_dithered_and_its_link_shown(system: System) -> None:
    answer = requests.post(
        f"{system.url}/images", files={"file": ("summer day.jpg", photograph())}, timeout=30
    )
    image = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/images/{image['uuid']}"
    assert set(image) == {
        *("uuid", "url", "filename", "content_type", "width", "height", "bytes"),
        *("owner", "created_at", "expires_at", "status", "dithers", "dithers_url"),
    }
    assert image["filename"] == "summer day.jpg"
    assert (image["content_type"], image["width"], image["height"]) == ("image/jpeg", 640, 480)
    assert fetch(image["url"]).content == photograph()

    image = system.dithered(image["uuid"])
    [dither] = image["dithers"]
    assert (image["status"], dither["status"], dither["channels"]) == ("dithered", "done", 2)
    picture = indexed(fetch(dither["url_dither"]).content)
    assert picture.size == (640, 480)
    colours = picture.convert("RGB").getcolors()
    assert colours is not None
    assert {colour for _, colour in colours} <= {
        (r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)
    }


def test_a_second_dither_is_queued_once_and_listed_by_both_services(system: System) -> None:
    uuid = system.upload(photograph())["uuid"]

    first = requests.post(f"{system.url}/images/{uuid}/4", timeout=10)
    again = requests.post(f"{system.url}/images/{uuid}/4", timeout=10)

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.headers["location"] == f"/dithers/{uuid}"
    assert again.json()["dither_id"] == first.json()["dither_id"]
    image = system.dithered(uuid, count=2)
    assert sorted(d["channels"] for d in image["dithers"]) == [2, 4]
    told = fetch(f"{system.url}/dithers/{uuid}").json()
    assert {d["url_dither"] for d in told["dithers"]} == {d["url_dither"] for d in image["dithers"]}
    newest = fetch(f"{system.url}/dithers?limit=2").json()["items"]
    assert {d["uuid"] for d in newest} == {uuid}


def test_every_option_is_taken_by_query_and_by_body(system: System) -> None:
    uuid = system.upload(photograph(64, 48))["uuid"]
    url = f"{system.url}/images/{uuid}/2"

    by_query = requests.post(
        url, params={"palette": "#000,#fff,#f00", "strength": "0.5"}, timeout=10
    )
    body = {"palette": ["#000000", "#ffffff", "#ff0000"], "strength": 0.5}
    by_body = requests.post(url, json=body, timeout=10)
    nonsense = requests.post(url, params={"algorithm": "magic"}, timeout=10)

    assert (by_query.status_code, by_body.status_code) == (202, 200)
    assert nonsense.status_code == 422
    assert nonsense.headers["content-type"] == "application/problem+json"
    assert "floyd-steinberg" in nonsense.json()["detail"]


def test_the_list_is_newest_first_and_stable_while_images_are_added(system: System) -> None:
    uuids = [system.upload(photograph(32, 32))["uuid"] for _ in range(4)]

    first = fetch(f"{system.url}/images?limit=2").json()
    system.upload(photograph(32, 32))
    second = fetch(f"{system.url}/images?limit=2&cursor={first['next_cursor']}").json()

    assert [i["uuid"] for i in first["items"] + second["items"]] == uuids[::-1]


def test_the_mail_arrives_once_and_its_link_opens(system: System) -> None:
    uuid = system.upload(photograph(), "mail me.jpg", email=ADDRESS)["uuid"]
    image = system.dithered(uuid)

    def mails_of_it() -> list[Any] | None:
        return [m for m in system.mails() if "mail me.jpg" in m["Subject"]] or None

    [mail] = wait_for(mails_of_it, "mail")
    assert mail["To"] == ADDRESS
    text = mail.get_body(("plain",)).get_content()
    link, again, delete, unsubscribe = re.findall(r"http\S+", text)
    assert link == image["dithers"][0]["url_dither"]
    assert again == f"{system.url}/#image={uuid}"
    assert mail["List-Unsubscribe"] == f"<{unsubscribe}>"
    assert indexed(fetch(link).content).size == (640, 480)
    assert f'href="{link}"' in mail.get_body(("html",)).get_content()

    def told_as_sent() -> dict[str, Any] | None:
        """The mail may be seen before the note that it was sent is kept."""
        [told] = fetch(f"{system.url}/notifications/{uuid}").json()["notifications"]
        return told if told["status"] == "sent" else None

    assert ADDRESS not in json.dumps(wait_for(told_as_sent, "note of the mail"))
    assert "Delete permanently" in fetch(delete).text
    assert "deleted" in requests.post(delete, timeout=10).text
    assert requests.get(f"{system.url}/images/{uuid}", timeout=10).status_code == 404


def test_no_topic_has_an_address(system: System, broker: Broker) -> None:
    system.dithered(system.upload(photograph(), email=ADDRESS)["uuid"])
    for topic in ("KAFKA_IMAGE_TOPIC", "KAFKA_DITHER_TOPIC", "KAFKA_DEAD_LETTER_TOPIC"):
        messages = read_topic(broker.bootstrap_servers, system.names[topic])
        assert not [m for m in messages if ADDRESS.encode() in (m.value() or b"")]


def test_an_image_can_be_followed_until_it_is_deleted(system: System) -> None:
    uuid = system.upload(photograph())["uuid"]
    seen: list[str] = []
    with requests.get(f"{system.url}/images/{uuid}/events", stream=True, timeout=20) as stream:
        for line in stream.iter_lines(decode_unicode=True):
            if line.startswith("data: ") and '"status":"dithered"' in line:
                requests.delete(f"{system.url}/images/{uuid}", timeout=10)
            if line.startswith("event: "):
                seen.append(line.removeprefix("event: "))
    assert seen[0] == "image"
    assert seen[-1] == "deleted"


def test_deleting_takes_everything_everywhere(system: System) -> None:
    uuid = system.upload(photograph(), email=ADDRESS)["uuid"]
    image = system.dithered(uuid)
    urls = [image["url"], image["dithers"][0]["url_dither"]]

    assert requests.delete(f"{system.url}/images/{uuid}", timeout=10).status_code == 204
    assert requests.delete(f"{system.url}/images/{uuid}", timeout=10).status_code == 404
    assert requests.get(f"{system.url}/images/{uuid}", timeout=10).status_code == 404

    def gone(url: str) -> bool:
        return requests.get(url, timeout=10).status_code == 404

    files = system.directory / "files"
    wait_for(lambda: gone(f"{system.url}/dithers/{uuid}"), "deleted dithers")
    wait_for(lambda: gone(f"{system.url}/notifications/{uuid}"), "forgotten address")
    wait_for(lambda: not list(files.glob(f"*/{uuid}*")), "deleted files")
    # A copy in the gateway's cache went with the request that deleted the image.
    wait_for(lambda: all(gone(url) for url in urls), "deleted links")


def test_a_preview_keeps_nothing(system: System) -> None:
    before = len(list((system.directory / "files").rglob("*.*")))
    answer = requests.post(
        f"{system.url}/preview",
        files={"file": ("x.jpg", photograph())},
        data={"options": '{"palette":"gray","channels":4}', "max_size": "200"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-dither-colours"] == "4"
    assert indexed(answer.content).size == (200, 150)
    assert len(list((system.directory / "files").rglob("*.*"))) == before
    assert "floyd-steinberg" in [
        a["name"] for a in fetch(f"{system.url}/options").json()["algorithms"]
    ]


def headers_of(message: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in message.headers()}


def test_the_topics_hold_the_contract(system: System, broker: Broker) -> None:
    """Headers, keys and bodies as a consumer of somebody else's would read them."""
    image = system.upload(photograph(), "contract.jpg", email=ADDRESS)
    uuid = image["uuid"]
    [dither] = system.dithered(uuid)["dithers"]
    requests.delete(f"{system.url}/images/{uuid}", timeout=10)
    names = system.names

    def deleted_too() -> bool:
        found = read_topic(broker.bootstrap_servers, names["KAFKA_IMAGE_TOPIC"])
        return len([m for m in found if m.key() == uuid.encode()]) >= 2

    wait_for(deleted_too, "IMAGE_DELETED")
    about = [
        message
        for topic in (names["KAFKA_IMAGE_TOPIC"], names["KAFKA_DITHER_TOPIC"])
        for message in read_topic(broker.bootstrap_servers, topic)
        if message.key() == uuid.encode()
    ]
    assert [headers_of(m)["message_type"] for m in about] == [
        "IMAGE_UPLOADED",
        "IMAGE_DELETED",
        "DITHER_UPLOADED",
    ]
    for message in about:
        assert list(headers_of(message).items())[:2] == [
            ("message_type", headers_of(message)["message_type"]),
            ("version", "1.1.0"),
        ]
    uploaded, deleted, dithered = (json.loads(m.value() or b"") for m in about)
    assert (
        uploaded.items()
        >= {
            "uuid": uuid,
            "url": image["url"],
            "filename": "contract.jpg",
            "has_recipient": True,
        }.items()
    )
    assert deleted == {"uuid": uuid}
    assert dithered.items() >= {"uuid": uuid, "url_dither": dither["url_dither"]}.items()


def test_one_request_id_is_found_in_every_service_and_message(
    system: System, broker: Broker
) -> None:
    request_id = "journey-of-one-request"
    answer = requests.post(
        f"{system.url}/images",
        files={"file": ("a.jpg", photograph())},
        data={"email": ADDRESS},
        headers={"X-Request-ID": request_id},
        timeout=30,
    )
    assert answer.headers["x-request-id"] == request_id
    system.dithered(answer.json()["uuid"])
    topic = system.names["KAFKA_DITHER_TOPIC"]
    ids = [headers_of(m).get("request_id") for m in read_topic(broker.bootstrap_servers, topic)]
    assert request_id in ids
    wait_for(
        lambda: all(request_id in system.log(name) for name in ("gateway", "upload")),
        "line in the log of both",  # the gateway writes its own now and then, not at once
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("GET", "/images/none", 422, "uuid"),
        ("GET", "/images/00000000-0000-4000-8000-000000000000", 404, "no image"),
        ("DELETE", "/images/00000000-0000-4000-8000-000000000000", 404, "no image"),
        ("POST", "/images/00000000-0000-4000-8000-000000000000/4", 404, "no image"),
        *(
            ("POST", f"/images/00000000-0000-4000-8000-000000000000/{n}", 422, "channels")
            for n in ("0", "1", "257", "-1", "two")
        ),
        ("GET", "/images?limit=0", 422, "limit"),
        ("GET", "/images?cursor=xyz", 422, "cursor"),
        ("PUT", "/images", 405, "allowed"),
        ("POST", "/images", 415, "multipart"),
        ("GET", "/files/images/../../secret", 404, ""),
        ("GET", "/nothing", 404, "nothing"),
    ],
)
def test_bad_requests_are_answered_as_problems(
    system: System, method: str, path: str, status: int, word: str
) -> None:
    answer = requests.request(method, system.url + path, timeout=10)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.json()["detail"]
    assert "Traceback" not in answer.text
    if status == 405:
        assert "POST" in answer.headers["allow"]

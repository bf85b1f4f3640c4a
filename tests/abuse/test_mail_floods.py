"""A stranger uses the system to write to people who did not ask. What do these, and others, get?"""

import re
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import requests

from tests.abuse.test_strangers import NAME, Caller
from tests.support.broker import Broker
from tests.support.system import System, running_system, wait_for

ADA, BOB = "ada@example.org", "bob@example.org"
QUESTION = "Do you want mails about your dithered images?"
FLOOD = 60
IN_ALL = 40


@pytest.fixture(scope="module")
def asking(
    broker: Broker, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """As on the internet, except that no more than ``IN_ALL`` mails an hour may be sent."""
    environment = {
        "ACCESS": "owned",
        "PRINCIPAL_SECRET": "a secret of thirty-two characters",
        "MAIL_CONFIRM": "true",
        "MAILS_PER_HOUR_IN_ALL": str(IN_ALL),
    }
    directory = tmp_path_factory.mktemp("asking")
    with running_system(directory, broker, database, environment) as running:
        yield running


def mails_to(system: System, address: str) -> list[EmailMessage]:
    return [mail for mail in system.mails() if mail["To"] == address]


def link(mail: EmailMessage, action: str) -> str:
    text = mail.get_body(("plain",))
    assert isinstance(text, EmailMessage)
    [found] = re.findall(rf"http\S+/mail/{action}/\S+", text.get_content())
    return str(found)


def confirmed(system: System, address: str) -> Caller:
    """Somebody who has said that they want mails."""
    caller = Caller(system)
    caller.upload(email=address)
    [question] = wait_for(lambda: mails_to(system, address) or None, "question")
    assert requests.post(link(question, "confirm"), timeout=30).status_code == 200
    wait_for(lambda: len(mails_to(system, address)) == 2, "mail that waited for the answer")
    return caller


def test_one_click_ends_it(asking: System) -> None:
    wanted = confirmed(asking, BOB)
    header = str(mails_to(asking, BOB)[0]["List-Unsubscribe"]).strip("<>")
    done = requests.post(header, data={"List-Unsubscribe": "One-Click"}, timeout=30)
    assert done.status_code == 200
    uuid = wanted.upload(email=BOB)["uuid"]

    def told() -> bool:
        found = wanted.ask("GET", f"/notifications/{uuid}").json().get("notifications", [])
        return [mail["status"] for mail in found] == ["failed"]

    wait_for(told, "note that the mail is not sent")
    assert len(mails_to(asking, BOB)) == 2


def test_a_flood_asks_some_strangers_once_and_holds_up_nobody(asking: System) -> None:
    ada = confirmed(asking, ADA)
    eve = Caller(asking)
    for number in range(FLOOD - 10):
        eve.upload(email=f"stranger{number}@example.org")
    for number in range(10):
        eve.upload(email=f"Carol+{number}@example.org")
    image = ada.upload(email=ADA)
    wait_for(lambda: len(mails_to(asking, ADA)) == 3, "mail of somebody else")

    to_strangers = [mail for mail in asking.mails() if mail["To"] not in {ADA, BOB}]
    assert {mail["Subject"] for mail in to_strangers} == {QUESTION}
    assert not [mail for mail in to_strangers if NAME.encode() in mail.as_bytes()]
    assert len(to_strangers) <= IN_ALL // 2
    mailboxes = Counter(re.sub(r"\+.*@", "@", mail["To"].lower()) for mail in to_strangers)
    assert max(mailboxes.values()) == 1
    assert eve.ask("POST", f"/images/{image['uuid']}/7").status_code == 404
    assert len(mails_to(asking, ADA)) == 3

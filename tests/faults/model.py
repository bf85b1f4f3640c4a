"""Random histories of events, and a model of the state that each must lead to.

The three services' use cases run here in one process, on real tables and a storage in memory. The
simulated wire between them delays, reorders and duplicates messages; the storage and the mail
server go down and come back, while clients upload, request dithers and delete.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import groupby
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dither_engine import Options
from dither_service import models as dither_models
from dither_service.consumer import handlers as dither_handlers
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from dither_service.upload_client import Original
from notification_service import models as notification_models
from notification_service.consumer import handlers as notification_handlers
from notification_service.mailer import MailUnavailable
from notification_service.settings import NotificationSettings
from notification_service.upload_client import Addressee
from shared.database import Database
from shared.failures import TransientFailure
from shared.kafka.codec import Received
from shared.kafka.processing import Handlers
from shared.messages import BODIES, VERSION, Body, ImageUploaded
from shared.problems import Problem
from shared.storage import StorageUnavailableError
from tests.integration.services.dither.working import EngineHere, work_off
from tests.integration.services.notification.mails import new_sender, new_service
from tests.integration.services.support import empty, rows, run
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture
from upload_service import models as upload_models
from upload_service.consumer import handlers as upload_handlers
from upload_service.service import Upload, UploadService
from upload_service.settings import UploadSettings

PNG = picture("PNG", (8, 6))
STEPS = 25
CHANNELS = st.integers(2, 5)
AT_ONCE = 0.001  # unfinished work is requested again at every sweep
LATE = timedelta(minutes=1)  # longer than a missing file is waited for
NAMES = ("upload", "dither", "notification")
METADATA = {
    "upload": upload_models.metadata,
    "dither": dither_models.metadata,
    "notification": notification_models.metadata,
}

MANY_MAILS = NotificationSettings(
    mails_per_hour=1000, mails_per_day=100_000, mails_per_hour_in_all=100_000
)


class Mailbox:
    """A mailer that keeps the Message-IDs, unless it is down."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.away = False

    def send(self, message: EmailMessage) -> None:
        if self.away:
            raise MailUnavailable("told to be away")
        self.sent[str(message["Message-ID"]).strip("<>").partition("@")[0]] += 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to one of the services."""

    to: str
    body: Body
    message_id: UUID


@dataclass(slots=True)
class Wanted:
    """The model: the state that one image must have in the end."""

    email: str | None
    channels: set[int] = field(default_factory=set)
    deleted: bool = False


class Histories(RuleBasedStateMachine):
    """A history is a list of the actions of clients, wire, storage and mail server, in order."""

    databases: ClassVar[Mapping[str, Database]]

    def __init__(self) -> None:
        super().__init__()
        databases = self.databases
        for name, database in databases.items():
            empty(database, METADATA[name])
        self.storage = FakeStorage()
        self.mailbox = Mailbox()
        self.upload_service = UploadService(
            UploadSettings(unfinished_after_seconds=AT_ONCE), databases["upload"], self.storage
        )
        self.dither_service = DitherService(
            DitherSettings(unfinished_after_seconds=AT_ONCE),
            databases["dither"],
            self.storage,
            self,
            EngineHere(),
        )
        notifications = new_service(databases["notification"], MANY_MAILS, self)
        self.sender = new_sender(databases["notification"], self.mailbox, MANY_MAILS)
        self.handlers: dict[str, Handlers] = {
            "upload": upload_handlers(self.upload_service),
            "dither": dither_handlers(self.dither_service),
            "notification": notification_handlers(notifications),
        }
        self.model: dict[UUID, Wanted] = {}
        self.wire: list[Delivery] = []
        self.delivered: list[Delivery] = []

    def find_original(self, uuid: UUID) -> Original | None:
        """Stands for the dither service's request to the upload service."""
        url = self.upload_service.find_original(uuid)
        return None if url is None else Original(url, None)

    def recipient(self, uuid: UUID) -> Addressee | None:
        """Stands for the notification service's request to the upload service."""
        try:
            return Addressee(email=self.upload_service.tell_recipient(uuid).email)
        except Problem:
            return None

    def delete_image(self, uuid: UUID) -> bool:
        """The same, for the link to delete an image."""
        try:
            self.upload_service.delete_image(uuid)
        except Problem:
            return False
        return True

    # Actions of clients.

    @rule(wants_mail=st.booleans(), channels=st.none() | CHANNELS)
    def upload(self, wants_mail: bool, channels: int | None) -> None:
        email = f"reader{len(self.model)}@example.org" if wants_mail else None
        options = None if channels is None else {"channels": channels}
        try:
            image = self.upload_service.upload_image(Upload(PNG, "a.png", email, options))
        except StorageUnavailableError:
            assert self.storage.error is not None
            return
        self.model[image.uuid] = Wanted(email, {channels or 2})

    @precondition(lambda self: self.model)
    @rule(choice=st.randoms(use_true_random=False), channels=CHANNELS)
    def request(self, choice: Any, channels: int) -> None:
        uuid = choice.choice(list(self.model))
        try:
            self.dither_service.request_dither(uuid, Options.parse({"channels": channels}))
        except Problem:
            assert self.model[uuid].deleted
            return
        self.model[uuid].channels.add(channels)

    @precondition(lambda self: self.model)
    @rule(choice=st.randoms(use_true_random=False))
    def delete(self, choice: Any) -> None:
        uuid = choice.choice(list(self.model))
        try:
            self.upload_service.delete_image(uuid)
        except Problem:
            assert self.model[uuid].deleted
        self.model[uuid].deleted = True

    # Actions of the wire.

    @rule(choice=st.randoms(use_true_random=False), late=st.booleans(), most=st.integers(1, 8))
    def deliver_some(self, choice: Any, late: bool, most: int) -> None:
        self._collect()
        chosen = choice.sample(self.wire, min(most, len(self.wire)))
        for batch in self._batches(chosen):
            self._deliver(batch, late=late)

    @precondition(lambda self: self.delivered)
    @rule(choice=st.randoms(use_true_random=False), late=st.booleans())
    def deliver_again(self, choice: Any, late: bool) -> None:
        with suppress(TransientFailure):
            self._handle([choice.choice(self.delivered)], late=late)

    # Storage, mail server and time.

    @rule(away=st.booleans())
    def storage_goes_or_comes(self, away: bool) -> None:
        self.storage.error = StorageUnavailableError("told to be away") if away else None

    @rule(away=st.booleans())
    def mail_server_goes_or_comes(self, away: bool) -> None:
        self.mailbox.away = away

    @rule()
    def send_a_mail(self) -> None:
        with suppress(MailUnavailable):
            self.sender.send_next()

    @rule(hours=st.integers(0, 1))
    def sweep(self, hours: int) -> None:
        for name, service in self._with_files():
            run(
                self.databases[name],
                f"UPDATE {name}.file_removals SET due_at = due_at - make_interval(hours => :hours)",
                hours=hours,
            )
            service.removals.sweep(self.databases[name], self.storage)

    @rule()
    def work(self) -> None:
        work_off(self.dither_service)

    @rule()
    def hand_out_again(self) -> None:
        self.dither_service.request_unfinished()

    # A second announcement has the first one's key and topic, so it never overtakes that one.
    @precondition(lambda self: not any(isinstance(d.body, ImageUploaded) for d in self.all_wire()))
    @rule()
    def announce_again(self) -> None:
        self.upload_service.announce_unfinished()

    def all_wire(self) -> list[Delivery]:
        self._collect()
        return self.wire

    # The end: everything is up again and no work is left.

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            self.dither_service.dispatcher.stop()
            self.dither_service.dispatcher.run()  # ends its threads

    def _finish(self) -> None:
        self.storage.error, self.mailbox.away = None, False
        for _ in range(100):
            work_off(self.dither_service)
            self._collect()
            if not self.wire:
                break
            for batch in self._batches(list(self.wire)):
                self._deliver(batch, late=False)
        assert not self.wire, f"never done with: {self.wire}"
        self._let_time_pass()
        for name, service in self._with_files():
            service.removals.sweep(self.databases[name], self.storage)
        while self.sender.send_next():
            pass
        self._compare()

    def _compare(self) -> None:
        kept = {uuid: wanted for uuid, wanted in self.model.items() if not wanted.deleted}
        shown = {i.uuid: i for i in self.upload_service.list_images(1000, None).items}
        assert shown.keys() == kept.keys()
        urls, mails = set(), Counter[str]()
        for uuid, image in shown.items():
            told = [(d.channels, d.status, d.url_dither) for d in image.dithers]
            own = self.dither_service.get_dithers(uuid).dithers
            made = [(d.channels, d.status, d.url_dither) for d in own]
            assert Counter(told) == Counter(made), f"{told} at upload, {made} at dither"
            assert Counter(c for c, _, _ in told) == Counter(kept[uuid].channels)
            assert {status for _, status, _ in told} == {"done"}
            assert image.status == "dithered"
            urls |= {image.url, *(str(url) for _, _, url in told)}
            mails.update(str(d.dither_id) for d in image.dithers if kept[uuid].email)
        assert {self.storage.base + key for key in self.storage.files} == urls
        assert all(self.mailbox.sent[dither_id] == 1 for dither_id in mails)
        assert max(self.mailbox.sent.values(), default=1) == 1

    def _let_time_pass(self) -> None:
        """Make the work due that was postponed while storage or mail server were down."""
        for name, _ in self._with_files():
            run(self.databases[name], f"UPDATE {name}.file_removals SET due_at = now()")
        run(self.databases["notification"], "UPDATE notification.notifications SET due_at = now()")

    def _with_files(self) -> tuple[tuple[str, UploadService | DitherService], ...]:
        return (("upload", self.upload_service), ("dither", self.dither_service))

    def _collect(self) -> None:
        """Put the committed outbox rows onto the wire, once for each consuming service."""
        for name, _ in self._with_files():
            found = rows(
                self.databases[name],
                f"UPDATE {name}.outbox SET published_at = now() WHERE published_at IS NULL "
                "RETURNING id, message_type, body, message_id",
            )
            for _, kind, body, message_id in sorted(found, key=lambda row: int(row[0])):
                message = BODIES[kind].model_validate_json(bytes(body))
                self.wire += [
                    Delivery(to, message, message_id)
                    for to in NAMES
                    if type(message) in self.handlers[to]
                ]

    def _batches(self, deliveries: list[Delivery]) -> list[list[Delivery]]:
        """Group adjacent deliveries that a consumer would handle as one batch."""

        def handler(delivery: Delivery) -> object:
            return delivery.to, self.handlers[delivery.to][type(delivery.body)]

        return [list(batch) for _, batch in groupby(deliveries, handler)]

    def _deliver(self, batch: list[Delivery], *, late: bool) -> None:
        with suppress(TransientFailure):  # then the messages stay on the wire
            for delivery in batch[: self._handle(batch, late=late)]:
                self.wire.remove(delivery)
                self.delivered.append(delivery)

    def _handle(self, batch: list[Delivery], *, late: bool) -> int:
        handler = self.handlers[batch[0].to][type(batch[0].body)]
        produced_at = datetime.now(UTC) - (LATE if late else timedelta())
        return handler([Received(d.body, VERSION, d.message_id, None, produced_at) for d in batch])


def run_histories(databases: Mapping[str, Database], count: int, number: int) -> None:
    """Run ``count`` histories from the seed ``number``; raises with the shortest that fails."""

    class Bound(Histories):
        pass

    Bound.databases = databases
    run_state_machine_as_test(
        seed(number)(Bound),
        settings=settings(
            max_examples=count,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

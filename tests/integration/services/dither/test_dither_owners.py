"""Whose an image is decides who may dither it; the owner travels with every message."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from dither_engine import Options
from dither_service import models
from dither_service.upload_client import Original
from shared.database import Database
from shared.messages import DitherRequested, DitherUploaded, ImageUploaded
from shared.principal import NOBODY, Principal
from shared.problems import Problem
from tests.integration.services.dither.working import WorkingService, without_queue
from tests.integration.services.support import empty, outgoing, received, run
from tests.support.fake_storage import FakeStorage
from tests.support.pictures import picture

PNG = picture("PNG", (16, 12))
WRITES = frozenset({"read", "write"})
ADA, BOB = Principal("anon:ada", WRITES), Principal("anon:bob", WRITES)
SHOP = Principal("key:shop", WRITES, quotas=(("bytes", 1000),))
OPERATOR = Principal("key:ops", frozenset({"operate"}))
OWN_PALETTE = Options(palette=["#012345", "#ffffff"])


class Uploads:
    """The upload service knows one image, of which no message has arrived yet."""

    def __init__(self) -> None:
        self.originals: dict[UUID, Original] = {}

    def find_original(self, uuid: UUID) -> Original | None:
        return self.originals.get(uuid)


@pytest.fixture
def uploads() -> Uploads:
    return Uploads()


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


@pytest.fixture
def service(tables: Database, storage: FakeStorage, uploads: Uploads) -> Iterator[WorkingService]:
    empty(tables, models.metadata)
    with without_queue(tables, storage, uploads) as service:
        yield service


def announce(service: WorkingService, storage: FakeStorage, owner: str | None = "anon:ada") -> UUID:
    uuid = uuid4()
    url = storage.put(f"images/{uuid}.png", PNG, "image/png").url
    body = ImageUploaded(uuid=uuid, url=url, filename="a.png", owner=owner)
    service.dither_images([received(body)])
    service.wait_until_quiet()
    return uuid


def refused(service: WorkingService, uuid: UUID, caller: Principal) -> int:
    with pytest.raises(Problem, match="There is no image") as caught:
        service.request_dither(uuid, Options(channels=5), caller)
    return caught.value.status


def test_the_outcome_tells_whose_the_dither_is(
    service: WorkingService, tables: Database, storage: FakeStorage
) -> None:
    announce(service, storage)
    [told] = outgoing(tables, service.outbox)
    assert isinstance(told, DitherUploaded)
    assert told.owner == "anon:ada"


def test_only_the_owner_and_operators_ask_for_more(
    service: WorkingService, tables: Database, storage: FakeStorage
) -> None:
    uuid = announce(service, storage)
    assert [refused(service, uuid, caller) for caller in (BOB, SHOP, NOBODY)] == [404] * 3
    assert service.request_dither(uuid, Options(channels=5), ADA)[1]
    assert service.request_dither(uuid, Options(channels=6), OPERATOR)[1]
    asked = [b for b in outgoing(tables, service.outbox) if isinstance(b, DitherRequested)]
    assert [body.owner for body in asked] == ["anon:ada", "key:ops"]


def test_what_nobody_owns_is_for_operators(service: WorkingService, storage: FakeStorage) -> None:
    uuid = announce(service, storage, owner=None)
    assert refused(service, uuid, ADA) == 404
    assert service.request_dither(uuid, Options(channels=5), OPERATOR)[1]


def test_an_image_whose_message_has_not_come_yet_has_an_owner_too(
    service: WorkingService, uploads: Uploads, storage: FakeStorage
) -> None:
    uuid = uuid4()
    url = storage.put(f"images/{uuid}.png", PNG, "image/png").url
    uploads.originals[uuid] = Original(url, "anon:ada")
    assert refused(service, uuid, BOB) == 404
    assert service.request_dither(uuid, Options(channels=5), ADA)[1]
    assert refused(service, uuid, BOB) == 404, "it is known here by now"


def test_lists_have_ones_own(service: WorkingService, storage: FakeStorage) -> None:
    own, other = announce(service, storage), announce(service, storage, "anon:bob")

    def listed(caller: Principal) -> set[UUID]:
        return {dither.uuid for dither in service.list_dithers(50, None, caller).items}

    assert listed(ADA) == {own}
    assert listed(BOB) == {other}
    assert listed(NOBODY) == listed(SHOP) == set()
    assert listed(OPERATOR) == {own, other}


def test_a_link_shows_no_palette_of_the_owner(
    service: WorkingService, storage: FakeStorage
) -> None:
    uuid = announce(service, storage)
    service.request_dither(uuid, OWN_PALETTE, ADA)
    for caller, is_shown in ((ADA, True), (OPERATOR, True), (BOB, False), (NOBODY, False)):
        dithers = service.get_dithers(uuid, caller).dithers
        assert len(dithers) == 2
        assert any("palette" in dither.options for dither in dithers) == is_shown


def test_who_has_too_much_stored_asks_for_no_more(
    service: WorkingService, tables: Database, storage: FakeStorage
) -> None:
    uuid = announce(service, storage, "key:shop")
    assert service.request_dither(uuid, Options(channels=5), SHOP)[1]
    run(tables, "UPDATE dither.dithers SET bytes = 1000 WHERE channels = 2")
    with pytest.raises(Problem, match="may take 1,000 bytes") as caught:
        service.request_dither(uuid, Options(channels=6), SHOP)
    assert caught.value.status == 413
    assert not service.request_dither(uuid, Options(channels=5), SHOP)[1], "this one is there"
    assert service.request_dither(uuid, Options(channels=6), OPERATOR)[1]


def test_a_key_has_a_bound_of_its_own_on_queued_work(
    service: WorkingService, tables: Database, storage: FakeStorage
) -> None:
    hurried = Principal("key:shop", WRITES, quotas=(("seconds", 100),))
    uuid = announce(service, storage, "key:shop")
    service.request_dither(uuid, Options(channels=5), hurried)
    run(tables, "UPDATE dither.dithers SET cost = 101, status = 'queued' WHERE channels = 5")
    with pytest.raises(Problem, match="of at most 100;") as caught:
        service.request_dither(uuid, Options(channels=6), hurried)
    assert caught.value.status == 429
    assert service.request_dither(uuid, Options(channels=6), Principal("key:shop", WRITES))[1]

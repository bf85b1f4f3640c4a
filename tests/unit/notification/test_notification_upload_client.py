"""What the notification service asks the upload service for, and what it makes of the answers."""

from uuid import uuid4

import pytest

from notification_service.upload_client import Addressee, UploadClient
from shared.failures import TransientFailure
from shared.replicas import Replicas

UUID = uuid4()


class Answering(Replicas):
    """Replicas that answer with this, and keep what they were asked."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        self.answer = status, body
        self.asked: list[tuple[str, str]] = []

    def request(self, method: str, path: str) -> tuple[int, bytes]:
        self.asked.append((method, path))
        return self.answer


def test_an_address_that_is_known_or_not() -> None:
    replicas = Answering(200, b'{"email": "ada@example.org"}')
    assert UploadClient(replicas).recipient(UUID) == Addressee(email="ada@example.org")
    assert replicas.asked == [("GET", f"/recipients/{UUID}")]
    assert UploadClient(Answering(404)).recipient(UUID) is None


def test_an_image_that_is_there_or_not() -> None:
    replicas = Answering(204)
    assert UploadClient(replicas).delete_image(UUID)
    assert replicas.asked == [("DELETE", f"/images/{UUID}")]
    assert not UploadClient(Answering(404)).delete_image(UUID)


@pytest.mark.parametrize("answer", [(503, b""), (200, b"{}"), (200, b"nonsense"), (302, b"")])
def test_any_other_answer_is_asked_for_again(answer: tuple[int, bytes]) -> None:
    with pytest.raises(TransientFailure):
        UploadClient(Answering(*answer)).recipient(UUID)


def test_an_image_is_not_taken_for_deleted_by_another_answer() -> None:
    with pytest.raises(TransientFailure):
        UploadClient(Answering(401)).delete_image(UUID)

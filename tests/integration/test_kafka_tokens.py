"""Logins at Kafka by OAUTHBEARER: client credentials, or a hook that gives tokens."""

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from urllib.parse import parse_qs

import pytest

from shared.failures import TransientFailure
from shared.kafka.access import AccessError, check_access
from shared.kafka.client import client_config
from shared.kafka.producer import LazyProducer
from shared.kafka.topics import create_topics
from shared.settings import KafkaSettings
from tests.support.kafka import ApacheKafka, find_jars
from tests.support.kafka.properties import BrokerOptions

pytestmark = pytest.mark.skipif(find_jars() is None, reason="needs Apache Kafka from Maven")

ID, SECRET = "dither", "s3cret"


@pytest.fixture(scope="module")
def broker() -> Iterator[ApacheKafka]:
    kafka = ApacheKafka(BrokerOptions(tokens=True))
    kafka.start()
    yield kafka
    kafka.stop()


def token() -> tuple[str, float]:
    """A token that is not signed, and when it ends."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": ID, "iat": now, "exp": now + 300})
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join([*encoded, b""]).decode(), now + 300


class TokenServer(BaseHTTPRequestHandler):
    """Gives a token to who sends the client's id and secret."""

    asked: list[dict[str, list[str]]]

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append(parse_qs(form))
        login = base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
        is_known = self.headers["Authorization"] == f"Basic {login}"
        answer = {"access_token": token()[0]} if is_known else {"error": "invalid_client"}
        body = json.dumps(answer).encode()
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Not in the tests' output."""


@pytest.fixture
def token_url() -> Iterator[str]:
    TokenServer.asked = []
    server = HTTPServer(("127.0.0.1", 0), TokenServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], str]:
    """Makes a function importable as KAFKA_OAUTH_HOOK; returns that name."""

    def install(function: Callable[[], object]) -> str:
        module = ModuleType("tests_login")
        vars(module)["ask"] = function
        monkeypatch.setitem(sys.modules, "tests_login", module)
        return "tests_login:ask"

    return install


def settings_for(broker: ApacheKafka, **login: object) -> KafkaSettings:
    return KafkaSettings.model_validate(
        {
            "kafka_server": broker.bootstrap_servers,
            "kafka_security_protocol": "SASL_PLAINTEXT",
            "kafka_sasl_mechanism": "oauthbearer",
            **login,
        }
    )


def check(settings: KafkaSettings) -> None:
    """Retry while a broker that has just started cannot answer yet, as the services do."""
    for last in (False, False, False, True):
        try:
            check_access(settings, group="g", reads=["images"], writes=["images"])
            return
        except TransientFailure:
            if last:
                raise
            time.sleep(1)


def test_client_credentials(broker: ApacheKafka, token_url: str) -> None:
    settings = settings_for(
        broker,
        kafka_oauth_token_url=token_url,
        kafka_oauth_client_id=ID,
        kafka_oauth_client_secret=SECRET,
        kafka_oauth_scope="kafka",
    )
    assert "images" in create_topics(settings)
    check(settings)
    assert TokenServer.asked[0] == {"grant_type": ["client_credentials"], "scope": ["kafka"]}


def test_a_secret_that_is_not_known(
    broker: ApacheKafka, token_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.access.TIMEOUT_SECONDS", 3.0)
    settings = settings_for(
        broker,
        kafka_oauth_token_url=token_url,
        kafka_oauth_client_id=ID,
        kafka_oauth_client_secret="another",
    )
    with pytest.raises(AccessError, match=r"no login at Kafka with KAFKA_OAUTH_\*") as caught:
        check(settings)
    assert "another" not in str(caught.value)


def test_a_hook(broker: ApacheKafka, hook: Callable[[Callable[[], object]], str]) -> None:
    settings = settings_for(broker, kafka_oauth_hook=hook(token))
    assert "images" in create_topics(settings)
    check(settings)


def test_a_hook_that_fails(
    broker: ApacheKafka, hook: Callable[[Callable[[], object]], str]
) -> None:
    def fail() -> None:
        raise RuntimeError("no role")

    settings = settings_for(broker, kafka_oauth_hook=hook(fail))
    with pytest.raises(AccessError, match=r"no login at Kafka with KAFKA_OAUTH_\*"):
        check(settings)
    with pytest.raises(TransientFailure, match="no login at Kafka"):
        LazyProducer(client_config(settings, "test")).publish([])

"""Who calls, and what the gateway tells a service of it."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api_gateway.keys import ApiKeys, main, new_key, parse_entry
from api_gateway.middleware import Guard
from api_gateway.settings import GatewaySettings
from shared.http import Receive, RequestScope, Scope, Send
from shared.principal import PRINCIPAL_HEADER, Principal, Principals
from shared.problems import Problem
from shared.signing import Identities
from tests.unit.shared_http.asgi import Answer, call

SECRET = "a secret of thirty-two characters"
IMAGE = "/images/0f8fad5b-d9cb-469f-a165-70867728950e"
HOST = {"host": "localhost:8000"}
SHOP_KEY, SHOP = new_key("shop", "read,write", {"images": 5})
READER_KEY, READER = new_key("reader", "read", {})
OPERATOR_KEY, OPERATOR = new_key("ops", "operate", {})
KEYS = ",".join((SHOP, READER, OPERATOR))
ANONYMOUS = frozenset({"read", "write"})


def settings(**values: object) -> GatewaySettings:
    given = {"access": "owned", "principal_secret": SECRET, "gateway_api_keys": KEYS}
    return GatewaySettings.model_validate({**given, **values})


class Gateway:
    """The gateway's checks, in front of a service that notes who called."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.callers: list[Principal] = []
        self._app = RequestScope(Guard(self._service, settings))

    async def _service(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = scope.get("principal_header")
        self.callers.append(Principals(self.settings).verify(header))
        headers = scope["answer_fields"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[Answer, Principal | None]:
        """The answer, and whom the service was told of, if it was asked."""
        self.callers.clear()
        answer = call(self._app, path, method=method, headers={**HOST, **(headers or {})})
        return answer, self.callers[0] if self.callers else None


@pytest.fixture
def owned() -> Gateway:
    return Gateway(settings())


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_browsers_first_upload_gives_it_an_identity_that_it_keeps(owned: Gateway) -> None:
    page = {"sec-fetch-site": "same-origin"}
    first, caller = owned.ask("POST", "/images", page)
    assert caller is not None
    assert caller.owner is not None
    assert caller.owner.startswith("anon:")
    assert (caller.scopes, caller.is_new) == (ANONYMOUS, True)
    again, known = owned.ask("POST", "/images", {**page, "cookie": cookie_of(first)})
    assert known == Principal(caller.owner, ANONYMOUS)
    assert "set-cookie" not in again.headers


def test_the_cookie_is_for_this_host_and_no_script(owned: Gateway) -> None:
    cookie = owned.ask("POST", "/images")[0].headers["set-cookie"]
    parts = cookie.split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts)
    assert "Secure" not in parts
    safe = Gateway(settings(public_url="https://dither.example.org"))
    cookie = safe.ask("POST", "/images")[0].headers["set-cookie"]
    assert cookie.startswith("__Host-dither=")
    assert "Secure" in cookie.split("; ")
    assert "Domain" not in cookie


def test_reading_gives_nobody_an_identity(owned: Gateway) -> None:
    for path in ("/images", IMAGE, "/options"):
        answer, caller = owned.ask("GET", path)
        assert "set-cookie" not in answer.headers
        assert caller is not None
        assert caller.is_nobody


def test_two_first_uploads_are_two_owners(owned: Gateway) -> None:
    callers = [owned.ask("POST", "/images")[1] for _ in range(2)]
    assert callers[0] != callers[1]


def test_an_old_cookie_is_renewed_when_it_is_used(owned: Gateway) -> None:
    old = Identities(SECRET, clock=lambda: 0.0).issue("anon:ada")
    answer, caller = owned.ask("POST", "/images", {"cookie": f"dither={old}"})
    assert caller == Principal("anon:ada", ANONYMOUS)
    assert cookie_of(answer) != f"dither={old}"
    _, again = owned.ask("GET", "/images", {"cookie": cookie_of(answer)})
    assert again == caller


@given(text=st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=60))
def test_a_made_up_cookie_is_nobody(text: str) -> None:
    _, caller = Gateway(settings()).ask("GET", "/images", {"cookie": f"dither={text}"})
    assert caller is not None
    assert caller.is_nobody


def test_a_cookie_of_another_secret_is_nobody(owned: Gateway) -> None:
    foreign = Identities(SECRET[::-1]).issue("anon:ada")
    _, caller = owned.ask("GET", "/images", {"cookie": f"dither={foreign}"})
    assert caller is not None
    assert caller.is_nobody


def test_a_principal_is_no_cookie(owned: Gateway) -> None:
    header = Principals(settings()).sign(Principal("anon:ada", ANONYMOUS))
    _, caller = owned.ask("GET", "/images", {"cookie": f"dither={header}"})
    assert caller is not None
    assert caller.is_nobody


def test_a_client_cannot_say_who_it_is(owned: Gateway) -> None:
    header = Principals(settings()).sign(Principal("anon:ada", ANONYMOUS))
    _, caller = owned.ask("GET", "/images", {PRINCIPAL_HEADER: header})
    assert caller is not None
    assert caller.is_nobody


def test_a_program_is_known_by_its_token(owned: Gateway) -> None:
    token = Identities(SECRET).issue("anon:ada")
    answer, caller = owned.ask("DELETE", IMAGE, {"x-manage-token": token})
    assert caller == Principal("anon:ada", ANONYMOUS)
    assert owned.ask("DELETE", IMAGE, {"x-manage-token": f"{token}x"})[0].status == 401
    assert answer.status == 200


@pytest.mark.parametrize(
    "page",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.test"},
        {"origin": "null"},
        {"origin": "http://localhost:8000.elsewhere.test"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/images"), ("DELETE", IMAGE)])
def test_another_sites_page_cannot_write_by_the_cookie(
    owned: Gateway, page: dict[str, str], method: str, path: str
) -> None:
    cookie = {"cookie": f"dither={Identities(SECRET).issue('anon:ada')}"}
    answer, caller = owned.ask(method, path, {**cookie, **page})
    assert (answer.status, caller) == (403, None)
    assert owned.ask("GET", "/images", {**cookie, **page})[0].status == 200


def test_another_sites_page_gets_no_cookie(owned: Gateway) -> None:
    answer, caller = owned.ask("POST", "/images", {"sec-fetch-site": "cross-site"})
    assert caller is not None
    assert caller.is_new, "it gets the token in the answer"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "page", [{"origin": "http://localhost:8000"}, {"sec-fetch-site": "none"}, {}]
)
def test_our_own_page_and_programs_may_write_by_the_cookie(
    owned: Gateway, page: dict[str, str]
) -> None:
    cookie = {"cookie": f"dither={Identities(SECRET).issue('anon:ada')}"}
    assert owned.ask("DELETE", IMAGE, {**cookie, **page})[0].status == 200


class TestKeys:
    def test_a_key_has_an_id_scopes_and_quotas(self, owned: Gateway) -> None:
        for headers in ({"x-api-key": SHOP_KEY}, {"authorization": f"Bearer {SHOP_KEY}"}):
            answer, caller = owned.ask("POST", "/images", headers)
            assert caller == Principal("key:shop", ANONYMOUS, quotas=(("images", 5),))
            assert caller.quota("images", 1000) == 5
            assert caller.quota("bytes", 1000) == 1000
            assert "set-cookie" not in answer.headers

    def test_a_key_is_not_its_entry(self, owned: Gateway) -> None:
        for wrong in (SHOP_KEY[:-1], SHOP, SHOP.split(":")[2], "x"):
            assert owned.ask("GET", "/images", {"x-api-key": wrong})[0].status == 401

    def test_a_key_for_reading_does_not_write(self, owned: Gateway) -> None:
        assert owned.ask("GET", IMAGE, {"x-api-key": READER_KEY})[0].status == 200
        answer, caller = owned.ask("DELETE", IMAGE, {"x-api-key": READER_KEY})
        assert (answer.status, caller) == (403, None)
        assert answer.json()["detail"] == "This needs the scope write; you have read."

    def test_an_operator_may_do_everything(self, owned: Gateway) -> None:
        _, caller = owned.ask("DELETE", IMAGE, {"x-api-key": OPERATOR_KEY})
        assert caller is not None
        assert caller.operates
        assert caller.owns("anon:ada")

    def test_with_keys_only_nobody_else_is_let_in(self) -> None:
        gateway = Gateway(settings(access="keys"))
        cookie = {"cookie": f"dither={Identities(SECRET).issue('anon:ada')}"}
        token = {"x-manage-token": Identities(SECRET).issue("anon:ada")}
        for headers in ({}, cookie, token):
            for method, path in (("GET", "/images"), ("POST", "/images"), ("GET", "/options")):
                answer, caller = gateway.ask(method, path, headers)
                assert (answer.status, caller) == (401, None)
        assert gateway.ask("GET", "/files/dithers/a.png")[0].status == 200
        assert gateway.ask("GET", "/images", {"x-api-key": SHOP_KEY})[0].status == 200

    @pytest.mark.parametrize(
        "entry",
        ["secret", "shop:fly:" + "0" * 64, f"{SHOP}:cats=3", f"{SHOP}:images=", "::"],
        ids=["word", "scope", "quota", "number", "colons"],
    )
    def test_an_entry_that_is_none(self, entry: str) -> None:
        with pytest.raises(ValidationError, match="GATEWAY_API_KEYS must have entries such as"):
            settings(gateway_api_keys=entry)

    def test_keys_and_access_must_agree(self) -> None:
        with pytest.raises(ValidationError, match="ACCESS=keys needs GATEWAY_API_KEYS"):
            settings(access="keys", gateway_api_keys="")
        with pytest.raises(ValidationError, match="GATEWAY_API_KEYS needs ACCESS=owned"):
            settings(access="open")

    def test_the_command_prints_a_key_that_works(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(["new", "shop", "--scopes", "read,operate", "--bytes", "1000"])
        key, entry = (line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines())
        assert key not in entry
        scopes = frozenset({"read", "operate"})
        expected = Principal("key:shop", scopes, quotas=(("bytes", 1000),))
        assert parse_entry(entry)[1] == expected
        assert ApiKeys([entry]).identify({b"x-api-key": key.encode()}) == expected

    def test_the_command_refuses_a_bad_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["new", "a shop"])
        assert "shop:read+write" in capsys.readouterr().err

    def test_without_keys_a_bearer_is_for_others(self) -> None:
        assert ApiKeys([]).identify({b"authorization": b"Bearer abc"}) is None
        with pytest.raises(Problem):
            ApiKeys([SHOP]).identify({b"authorization": b"Bearer abc"})


class TestOpen:
    """On this machine alone, unless somebody says more."""

    @pytest.fixture
    def local(self) -> Gateway:
        return Gateway(GatewaySettings())

    def test_everybody_may_do_everything(self, local: Gateway) -> None:
        answer, caller = local.ask("DELETE", IMAGE)
        assert answer.status == 200
        assert caller is not None
        assert caller.operates
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
    def test_it_answers_to_its_own_names(self, local: Gateway, host: str) -> None:
        assert local.ask("GET", "/images", {"host": host})[0].status == 200

    @pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "10.0.0.1:8000"])
    @pytest.mark.parametrize("path", ["/images", "/health", "/"])
    def test_it_does_not_answer_to_a_name_that_was_bound_to_it(
        self, local: Gateway, host: str, path: str
    ) -> None:
        answer, caller = local.ask("GET", path, {"host": host})
        assert (answer.status, caller) == (421, None)

    def test_another_sites_page_cannot_write(self, local: Gateway) -> None:
        page = {"sec-fetch-site": "cross-site", "origin": "https://elsewhere.test"}
        assert local.ask("POST", "/images", page)[0].status == 403
        allowed = Gateway(GatewaySettings(gateway_cors_origins="https://elsewhere.test"))
        assert allowed.ask("POST", "/images", page)[0].status == 200

    def test_where_it_was_asked_for_any_name_is_right(self) -> None:
        gateway = Gateway(settings(access="open", gateway_api_keys=""))
        assert gateway.ask("GET", "/images", {"host": "dither.example.org"})[0].status == 200

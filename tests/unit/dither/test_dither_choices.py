"""Engine options in an HTTP request: path, query string and body say them together, once each."""

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi import Request

from dither_engine import Options
from dither_service.choices import options_openapi, parse_options, read_options
from shared.problems import Problem


def request(query: str, body: bytes) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "headers": [], "query_string": query.encode()}
    return Request(scope, receive)


def read(channels: int = 2, query: str = "", body: bytes = b"") -> Options:
    return asyncio.run(read_options(request(query, body), channels))


def refusal(channels: int = 2, query: str = "", body: bytes = b"") -> str:
    with pytest.raises(Problem) as caught:
        read(channels, query, body)
    assert caught.value.status == 422
    return caught.value.detail


def test_the_path_alone_is_enough() -> None:
    assert read(4) == Options(channels=4)
    assert read(4, body=b" \n") == Options(channels=4)


def test_options_in_the_query_string() -> None:
    options = read(2, "algorithm=atkinson&serpentine=true&strength=0.5&width=100")
    assert options == Options(algorithm="atkinson", serpentine=True, strength=0.5, width=100)


def test_the_same_options_in_the_body() -> None:
    fields = {"algorithm": "atkinson", "serpentine": True, "strength": 0.5, "width": 100}
    assert read(2, body=json.dumps(fields).encode()) == Options.parse(fields)


def test_some_here_and_some_there() -> None:
    options = read(3, "serpentine=1", b'{"algorithm": "atkinson"}')
    assert options == Options(channels=3, algorithm="atkinson", serpentine=True)


@pytest.mark.parametrize("palette", ["ff0000,00ff00", '["#ff0000", "#00ff00"]', "#ff0000, #00ff00"])
def test_a_palette_of_colours(palette: str) -> None:
    assert read(2, urlencode({"palette": palette})).palette == ["#ff0000", "#00ff00"]


def test_a_kernel_is_json() -> None:
    kernel = [[0, 0, 1]]
    query = urlencode({"algorithm": "custom", "kernel": json.dumps(kernel)})
    assert read(2, query).kernel == kernel


def test_the_body_may_repeat_the_path_s_channels() -> None:
    assert read(4, body=b'{"channels": 4}').channels == 4
    assert "the body and the path differ" in refusal(4, body=b'{"channels": 5}')


def test_levels_of_each_channel_take_the_place_of_the_path_s_number() -> None:
    assert read(4, body=b'{"channels": [5, 6, 5]}').channels == [5, 6, 5]
    assert read(4, body=b'{"channels": [5, 6, 5]}').most_levels == 6
    assert "or three" in refusal(4, body=b'{"channels": [5, 6]}')


def test_a_palette_file_is_a_text() -> None:
    text = "GIMP Palette\nName: mine\n0 0 0 black\n255 0 0 red\n"
    assert read(2, body=json.dumps({"palette": text}).encode()).palette == ["#000000", "#ff0000"]
    assert read(2, urlencode({"palette": text})).palette == ["#000000", "#ff0000"]
    names = "GIMP Palette\nName: mine\n0 0 0 black, dark\n255 0 0 red\n"
    assert read(2, urlencode({"palette": names})).palette == ["#000000", "#ff0000"]


def test_an_option_is_given_once() -> None:
    assert "send it once" in refusal(query="serpentine=1", body=b'{"serpentine": true}')
    assert refusal(query="seed=1&seed=2").startswith("seed: it may be sent only once")


@pytest.mark.parametrize(
    "query", ["colour=red", "channels=4", "__class__=x", quote("a\r\nb\0") + "=1"]
)
def test_an_unknown_option_is_named_beside_those_there_are(query: str) -> None:
    detail = refusal(query=query)
    assert detail.startswith("There is no option ")
    assert "algorithm, palette" in detail
    assert detail.isprintable()


def test_an_unknown_option_in_the_body() -> None:
    assert "colour" in refusal(body=b'{"colour": "red"}')


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("algorithm=magic", "magic"),
        ("strength=3", "strength"),
        ("strength=nan", "strength"),
        ("width=-1", "width"),
        ("width=1e999", "width"),
        ("serpentine=perhaps", "serpentine"),
        ("palette=%5B%22red%22", "JSON list"),
        ("kernel=%5B" + "%5B" * 3000, "JSON list"),
        ("kernel=7", "kernel"),
        ("background=red", "red"),
    ],
)
def test_a_value_that_is_not_taken(query: str, word: str) -> None:
    assert word in refusal(query=query)


@pytest.mark.parametrize("body", [b"[]", b"7", b"{", b'{"seed": NaN}', b"\xff", b"{" * 9000])
def test_a_body_that_is_no_object(body: bytes) -> None:
    assert refusal(body=body).startswith("The body: a JSON object is expected")


def test_the_engine_s_sentence_reaches_the_client() -> None:
    with pytest.raises(Problem, match="custom needs a kernel"):
        parse_options({"algorithm": "custom"})


def test_the_api_s_description_names_every_option() -> None:
    described = options_openapi()
    names = {parameter["name"] for parameter in described["parameters"]}
    assert names == set(Options.model_fields) - {"channels"}
    assert all(parameter["description"] for parameter in described["parameters"])

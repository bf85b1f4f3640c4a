"""Many pictures at once: one set of options, progress, a ZIP; stopped and continued."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Route, expect

from tests.browser.memory import MEGABYTE, page_memory
from tests.browser.studio import Studio, photograph

COUNT = 4


def payloads(count: int = COUNT) -> list[FilePayload]:
    return [
        {
            "name": f"photo {number}.jpg",
            "mimeType": "image/jpeg",
            "buffer": photograph(200 + 10 * number, 150, seed=number),
        }
        for number in range(count)
    ]


@pytest.fixture
def opened(studio: Studio) -> Studio:
    with studio.previewed():
        studio.page.locator(".drop-zone input").set_input_files(payloads())
    expect(studio.page.locator(".strip-item")).to_have_count(COUNT)
    return studio


def zipped(studio: Studio, button: str = f"Download all {COUNT}") -> dict[str, tuple[int, int]]:
    """Names and sizes of the pictures in the ZIP."""
    saved = studio.downloaded(studio.page.get_by_role("button", name=button).click)
    assert saved.name == "dithered.zip"
    with zipfile.ZipFile(io.BytesIO(saved.data)) as file:
        assert file.testzip() is None
        return {name: Image.open(io.BytesIO(file.read(name))).size for name in file.namelist()}


@pytest.mark.journey
def test_all_pictures_are_in_the_zip_with_the_options_on_the_screen(opened: Studio) -> None:
    with opened.previewed():
        opened.page.get_by_role("button", name="Newspaper").click()
    assert zipped(opened) == {
        f"photo {number}-newspaper.png": (200 + 10 * number, 150) for number in range(COUNT)
    }
    expect(opened.page.get_by_text(f"{COUNT} of {COUNT} done", exact=True)).to_be_visible()


def test_one_of_them_has_options_of_its_own(opened: Studio) -> None:
    page = opened.page
    with opened.previewed():
        page.locator(".strip-item").nth(2).click()
    page.get_by_role("switch", name="Own settings").check()
    with opened.previewed():
        page.get_by_role("button", name="Poster").click()
    with opened.previewed():
        page.locator(".strip-item").nth(0).click()
    expect(page).not_to_have_url("palette=adaptive")
    names = sorted(zipped(opened))
    assert [name for name in names if "poster" in name] == ["photo 2-poster.png"]
    assert len(names) == COUNT


@pytest.mark.journey
def test_it_is_stopped_and_continued(opened: Studio) -> None:
    page = opened.page
    page.route("**/previews/file", lambda route: None)  # never answered
    page.get_by_role("button", name=f"Download all {COUNT}").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(f"0 of {COUNT} done")).to_be_visible()
    page.unroute("**/previews/file")
    assert len(zipped(opened)) == COUNT


def test_one_that_fails_is_told_and_the_others_are_made(opened: Studio) -> None:
    page = opened.page
    refusals = iter([True])

    def answer(route: Route) -> None:
        sent = route.request.post_data_buffer or b""
        swatch = b"filename=" not in sent or b'filename="picture"' in sent
        if not swatch and next(refusals, False):
            body = json.dumps({"status": 422, "detail": "This one is damaged."})
            route.fulfill(status=422, body=body, content_type="application/problem+json")
        else:
            route.continue_()

    page.route("**/previews/file", answer)
    assert len(zipped(opened)) == COUNT - 1
    expect(page.locator(".strip-mark[data-state=failed]")).to_have_count(1)
    assert "This one is damaged." in (
        page.locator(".strip-item:has([data-state=failed])").get_attribute("title") or ""
    )
    page.unroute("**/previews/file")
    assert len(zipped(opened, "Continue")) == COUNT


def test_large_photographs_do_not_fill_the_memory(studio: Studio, tmp_path: Path) -> None:
    """Eight times 12 Mpx are 384 MB, if they all were decoded at once."""
    paths = [tmp_path / f"large {number}.jpg" for number in range(8)]
    for path in paths:
        path.write_bytes(photograph(4000, 3000))
    with studio.previewed():
        studio.page.locator(".drop-zone input").set_input_files(paths)
    sizes = zipped(studio, f"Download all {len(paths)}")
    assert set(sizes.values()) == {(4000, 3000)}
    assert len(sizes) == len(paths)
    browser = studio.page.context.browser
    assert browser is not None
    assert page_memory(browser) < 500 * MEGABYTE


def test_a_folder_is_opened_without_what_is_no_picture(studio: Studio, tmp_path: Path) -> None:
    for payload in payloads():
        (tmp_path / payload["name"]).write_bytes(payload["buffer"])
    (tmp_path / "notes.txt").write_text("hello")
    names = sorted(path.name for path in tmp_path.iterdir())
    studio.page.evaluate(
        """([names, bytes]) => {
            const file = (name) => new File([new Uint8Array(bytes)], name,
                { type: name.endsWith("jpg") ? "image/jpeg" : "text/plain" });
            const entries = names.map((name) => (
                { isFile: true, name, file: (ok) => ok(file(name)) }));
            let given = false;
            const folder = { isFile: false, name: "trip", createReader: () => ({
                readEntries(ok) { ok(given ? [] : entries); given = true; } }) };
            const dataTransfer = { types: ["Files"], items: [{ webkitGetAsEntry: () => folder }] };
            const event = new Event("drop", { bubbles: true, cancelable: true });
            Object.defineProperty(event, "dataTransfer", { value: dataTransfer });
            document.body.dispatchEvent(event);
        }""",
        [names, list(photograph(64, 48))],
    )
    expect(studio.page.locator(".strip-item")).to_have_count(COUNT)
    expect(studio.page.locator(".toast")).to_contain_text("One file is not a picture")
    assert all(name.startswith("trip/photo ") for name in zipped(studio))


def test_another_picture_ends_the_batch(opened: Studio) -> None:
    opened.open(photograph(seed=9), "alone.jpg")
    expect(opened.page.locator(".batch")).to_be_hidden()

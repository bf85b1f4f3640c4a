"""The pages behind the links in mails.

Following a link (GET) changes nothing, since mail servers follow links to look for malware: each
page has a button, whose POST does what it says.
"""

from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from notification_service.email import templates
from notification_service.links import Action

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",  # the address of the page is as good as a key
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    text: str
    button: str
    done: str


_WORDS: dict[Action, _Words] = {
    "confirm": _Words(
        "Mails about your dithered images",
        "Do you want a mail with a link whenever an image of yours is dithered?",
        "Yes, send me mails",
        "Thank you. Mails that were waiting for your answer will be sent now.",
    ),
    "unsubscribe": _Words(
        "No more mails",
        "Do you want to stop all mails from us to this address, for good?",
        "Stop all mails",
        "You will get no more mails from us.",
    ),
    "delete": _Words(
        "Delete the picture",
        "This permanently deletes the picture that you uploaded and everything made from it.",
        "Delete permanently",
        "The picture is deleted.",
    ),
}


def question(action: Action) -> HTMLResponse:
    """The page with the button."""
    words = _WORDS[action]
    return _page(words.title, words.text, button=words.button)


def done(action: Action, undo_url: str | None = None) -> HTMLResponse:
    """What has been done; ``undo_url``: where a button sends who did not mean it."""
    return _page(_WORDS[action].title, _WORDS[action].done, undo_url=undo_url)


def bad_link() -> HTMLResponse:
    """The link is too old, or was cut off on its way."""
    text = "It may be too old, or a part of it is missing. Copy the whole link from the mail."
    return _page("This link does not work", text, status=404)


def gone() -> HTMLResponse:
    return _page(_WORDS["delete"].title, "The picture has already been deleted.", status=404)


def _page(
    title: str,
    text: str,
    *,
    button: str | None = None,
    undo_url: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    template = templates.get_template("page.html")
    html = template.render(title=title, text=text, button=button, undo_url=undo_url)
    return HTMLResponse(html, status, headers=_HEADERS)

"""Security header fields, by what an answer is."""

from api_gateway.headers import Fields

# Answers for programs: should a browser show one as a page, it may do nothing.
API_POLICY = b"default-src 'none'; frame-ancestors 'none'; sandbox"

_COMMON: Fields = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"server", b"gateway"),  # else the server names itself
]


def page_policy(image_origins: tuple[str, ...]) -> bytes:
    """Pages: their own scripts and styles only, nothing inline, no other host's anything.

    ``image_origins``: where pictures are kept when that is not here.
    """
    others = "".join(f" {origin}" for origin in image_origins)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        f"img-src 'self' blob: data:{others}; connect-src 'self'{others}; worker-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ).encode("ascii")


class Policies:
    """The fields of answers for programs, and those of pages."""

    def __init__(self, image_origins: tuple[str, ...]) -> None:
        self._api = [
            *_COMMON,
            (b"content-security-policy", API_POLICY),
            # Pictures are links to pass on; who embeds them is no danger to them.
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        self._page = [
            *_COMMON,
            (b"content-security-policy", page_policy(image_origins)),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"geolocation=(), microphone=(), payment=(), usb=()"),
        ]

    def fields(self, status: int, headers: Fields, *, own: bool) -> Fields:
        """``own``: the gateway answers itself; what comes from a service is never a page."""
        if not own:
            return self._api
        is_page = any(n == b"content-type" and v.startswith(b"text/html") for n, v in headers)
        # A 304 has no type, and the browser takes its fields over for the page that it keeps.
        return self._page if is_page or status == 304 else self._api

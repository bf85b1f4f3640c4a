"""Security header fields, by the kind of answer."""

from api_gateway.headers import Fields
from api_gateway.settings import GatewaySettings

_COMMON: Fields = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"server", b"gateway"),  # else the server would send its own name
]
# If a browser shows an API answer as a page, the page may do nothing. Other sites may embed
# pictures: their links are meant to be shared.
_API: Fields = [
    *_COMMON,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]


class Policies:
    """Pages may use only their own scripts and styles: nothing inline, nothing from other hosts."""

    def __init__(self, settings: GatewaySettings) -> None:
        stored = f" {settings.cloudinary_delivery_url}" if settings.cloudinary_cloud_name else ""
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
            f"img-src 'self' blob: data:{stored}; connect-src 'self'{stored}; worker-src 'self'; "
            "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        self._page = [
            *_COMMON,
            (b"content-security-policy", policy.encode("ascii")),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"geolocation=(), microphone=(), payment=(), usb=()"),
        ]

    def fields(self, status: int, headers: Fields, *, is_own: bool) -> Fields:
        """``is_own``: the gateway's own answer; answers of services are never pages."""
        if not is_own:
            return _API
        is_page = any(n == b"content-type" and v.startswith(b"text/html") for n, v in headers)
        # A 304 has no type, and the browser applies its fields to the page in its cache.
        return self._page if is_page or status == 304 else _API

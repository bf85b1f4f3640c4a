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
API: Fields = [
    *_COMMON,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]


def page_fields(settings: GatewaySettings) -> Fields:
    """Pages may use only their own scripts and styles: nothing inline, nothing from other hosts."""
    stored = f" {settings.cloudinary_delivery_url}" if settings.cloudinary_cloud_name else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        f"img-src 'self' blob: data:{stored}; connect-src 'self'{stored}; worker-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return [
        *_COMMON,
        (b"content-security-policy", policy.encode("ascii")),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"permissions-policy", b"geolocation=(), microphone=(), payment=(), usb=()"),
    ]

"""Security header fields, by what an answer is."""

from api_gateway.headers import Headers

# Answers for programs: should a browser show one as a page, it may do nothing.
API_POLICY = b"default-src 'none'; frame-ancestors 'none'; sandbox"

_COMMON: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


def page_policy(image_origins: tuple[str, ...]) -> bytes:
    """The web page: its own scripts and styles only, nothing inline, no other host's anything.

    ``image_origins``: where pictures are kept when that is not here.
    """
    others = "".join(f" {origin}" for origin in image_origins)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        f"img-src 'self' blob: data:{others}; connect-src 'self'{others}; worker-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ).encode("ascii")


def security_headers(policy: bytes) -> Headers:
    return [
        *_COMMON,
        (b"content-security-policy", policy),
        # Pictures are links to pass on; who embeds them is no danger to them.
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]


def page_headers(policy: bytes) -> Headers:
    return [
        *_COMMON,
        (b"content-security-policy", policy),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"permissions-policy", b"geolocation=(), microphone=(), payment=(), usb=()"),
    ]

"""The request filter ("web application firewall"): what no honest client sends, as data.

Paths and query strings are looked at as sent and as decoded, three times over; of header fields
the values, and some names. Bodies are not looked at: they are streamed, and the services parse
them strictly. The rules are tried in their order; what they protect is not these services (which
build no SQL, no shell line and no path from a request) but whatever is added to them later, and
the logs.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from api_gateway.headers import Headers
from api_gateway.remembering import remembers

Part = Literal["raw", "path", "query", "header"]


@dataclass(frozen=True, slots=True)
class Rule:
    """``pattern`` is searched in the lower-case text of each of ``parts``."""

    name: str
    parts: tuple[Part, ...]
    pattern: str
    status: int = 403


_TAGS = (
    "script|img|svg|iframe|object|embed|body|html|style|link|meta|form|input|video|audio|math"
    "|details|marquee|base|a"
)
_PROGRAMS = (
    "cat|ls|id|whoami|uname|wget|curl|nc|ncat|bash|sh|zsh|python[23]?|perl|php|ruby|ping|nslookup"
    "|rm|chmod|powershell|cmd|type|dir|sleep|echo|env|ifconfig|netstat"
)
_SCANNED = (
    r"wp-|wordpress|phpmyadmin|mysql|cgi-bin|actuator|solr/|jenkins|manager/|administrator|xmlrpc"
    r"|vendor/|node_modules|server-(?:status|info)|_profiler|telescope|hnap1|boaform|geoserver"
    r"|autodiscover|remote/|etc/|proc/|struts|invoker|jmx-console|druid/|_ignition|api/jsonws"
    r"|user/register|login\.action|latest/meta-data|computemetadata"
    r"|(?:pma|owa|ecp|admin|console|debug|shell|setup|swagger|graphql|backup|config|env)(?:/|$)"
)

RULES = (
    Rule(
        "encoding",
        ("raw",),
        r"%(?![0-9a-f]{2})|%c[01]%|%e0%[89]|%f0%8|%25(?:2e|2f|5c|25|00|0a|0d|27|3c)|%00",
        400,
    ),
    Rule("control", ("path",), r"[\x00-\x1f\x7f]", 400),
    Rule("control", ("query",), r"[\x00-\x08\x0b-\x1f\x7f]|\n\s*[a-z-]{2,40}\s*:", 400),
    Rule("traversal", ("path", "query"), r"(?:^|[/\\=])\.\.?;?(?:[/\\]|$)|\.\.[/\\]", 400),
    Rule("traversal", ("path",), r"\\|//", 400),
    Rule(
        "system-file", ("path", "query"), r"/etc/\w|/proc/(?:self|\d)|[a-z]:[\\/]|(?:win|boot)\.ini"
    ),
    Rule("scanner-path", ("path",), r"/\.(?!well-known/)|^/(?:" + _SCANNED + ")"),
    Rule(
        "scanner-path",
        ("path",),
        r"\.(?:php\d?|phtml|aspx?|jspx?|cgi|pl|cfm|action|do|ashx|asmx|bak|old|orig|swp|sql|env|ini"
        r"|conf|config|log|key|pem|tar|tgz|gz|zip|rar|7z|db|sqlite|mdb|ya?ml|exe|dll|sh)(?:/|$|~)|~$",
    ),
    Rule(
        "sql-injection",
        ("path", "query"),
        r"\bunion\b.{0,40}\bselect\b|\bselect\b.{1,80}\bfrom\b|['\")]\s+(?:or|and)\b|'(?:or|and)\b"
        r"|\b(?:or|and)\s+['\"(]?\w+['\")]?\s*(?:=|<|>|like\b)|['\"]\s*(?:--|;|/\*|\|\|)|'\s*#|--\s*$"
        r"|\b(?:pg_)?sleep\s*\(|\bbenchmark\s*\(|waitfor\s+delay|xp_cmdshell|information_schema"
        r"|\b(?:load_file|extractvalue|updatexml)\s*\(|@@version|/\*|\border\s+by\s+\d"
        r"|;\s*(?:drop|delete|insert|update|alter|create|exec|shutdown|truncate)\b|'\s*(?:$|=|\+)",
    ),
    Rule(
        "script-injection",
        ("path", "query"),
        r"<\s*/?\s*(?:" + _TAGS + r")\b|\bon[a-z]{4,20}\s*=|(?:java|vb)script\s*:"
        r"|data\s*:\s*text/html|document\s*\.\s*(?:cookie|location|domain|write)|expression\s*\(",
    ),
    Rule(
        "command-injection",
        ("path", "query"),
        r"[;|&`\n]\s*(?:" + _PROGRAMS + r")\b(?!=)|\$\(|`[^`]*`|/bin/(?:ba|z|da)?sh|\(\)\s*\{",
    ),
    Rule("template-injection", ("path", "query"), r"\$\{|\{\{|<%|#\{|\{%|%\{|\*\{"),
    Rule(
        "remote-inclusion",
        ("path", "query"),
        r"\b[a-z][a-z0-9+.]{1,15}:/{1,2}\w|\b(?:169\.254\.169\.254|metadata\.google)|=\s*//\w",
    ),
    Rule(
        "object-injection",
        ("path", "query"),
        r"\[\$\w+\]|\"\$(?:where|ne|gt|regex)\"|\*\)\s*\(|\)\(\||<!(?:doctype|entity)|<\?xml"
        r"|\bo:\d+:\"|ro0ab|__proto__|constructor(?:\[|\.prototype)|__(?:class|globals|import)__",
    ),
    Rule(
        "header-injection",
        ("header",),
        r"\$\{|\(\)\s*\{|<\s*script|%0d%0a|\bunion\b.{0,40}\bselect\b",
    ),
    Rule(
        "scanner",
        ("header",),
        r"^(?:[^/\s]* )?(?:sqlmap|nikto|nmap|masscan|acunetix|nessus|dirbuster|gobuster|wpscan"
        r"|zgrab|nuclei|openvas|w3af|havij|feroxbuster|ffuf|arachni|jaeles|netsparker)\b"
        r"|nmap scripting engine|\bnikto/|\bsqlmap/|\bnuclei\b|\bzgrab/",
    ),
)
# Fields by which some frameworks let a client change what it asks for.
_BLOCKED_FIELDS = frozenset(
    {
        b"proxy",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-http-method",
        b"x-http-method-override",
        b"x-method-override",
        b"x-middleware-subrequest",
    }
)
_MAX_LAYERS = 3
_PLAIN_PATH = re.compile(r"/(?:[a-z0-9_-]+/)*(?:[a-z0-9_-]+(?:\.(?:png|js|css))?)?")
# One way only to read each text: a choice between two is taken again and again where it fails.
_PLAIN_QUERY = re.compile(rb"[a-z_]+=[A-Za-z0-9_.,-]*(?:&[a-z_]+=[A-Za-z0-9_.,-]*)*&?")
_WHITESPACE = re.compile(r"(\s)\s+")


def _of(part: Part) -> tuple[tuple[Rule, re.Pattern[str]], ...]:
    return tuple((rule, re.compile(rule.pattern)) for rule in RULES if part in rule.parts)


_RULES: dict[Part, tuple[tuple[Rule, re.Pattern[str]], ...]] = {
    part: _of(part) for part in ("raw", "path", "query", "header")
}
_NOT_UTF8 = Rule("encoding", ("path", "query"), "", 400)
_FIELD = Rule("header-field", ("header",), "")


def find_threat(path: str, query: bytes, headers: Headers) -> Rule | None:
    """The first rule that the request breaks. ``path`` and ``query`` are as they were sent."""
    if not _is_plain_path(path) and (rule := _find_encoded(path.encode("latin-1"), "path")):
        return rule
    if query and not _is_plain_query(query):
        # Parameters stand on lines of their own: no pattern is to reach over two.
        separated = query.replace(b"&", b"\n").replace(b"+", b" ")
        if rule := _find_encoded(separated, "query"):
            return rule
    for name, value in headers:
        if name in _BLOCKED_FIELDS:
            return _FIELD
        if rule := _find_in_header(value):
            return rule
    return None


@remembers(4096)
def _is_plain_path(path: str) -> bool:
    return len(path) < 200 and _PLAIN_PATH.fullmatch(path) is not None and not _find("path", path)


def _is_plain_query(query: bytes) -> bool:
    return (
        len(query) < 200
        and b".." not in query
        and b"--" not in query
        and _PLAIN_QUERY.fullmatch(query) is not None
        and not _find("query", query.decode("ascii").lower().replace("&", "\n"))
    )


@remembers(4096)
def _find_in_header(value: bytes) -> Rule | None:
    return _find("header", value.decode("latin-1").lower())


def _find_encoded(data: bytes, part: Part) -> Rule | None:
    for layer in range(_MAX_LAYERS):
        if layer == 0 and (rule := _find("raw", data.decode("latin-1").lower())):
            return rule
        decoded = unquote_to_bytes(data)
        try:
            # Patterns that begin with any whitespace would try each place of a long run.
            text = _WHITESPACE.sub(r"\1", decoded.decode().lower())
        except UnicodeDecodeError:
            return _NOT_UTF8
        if rule := _find(part, text):
            return rule
        if decoded == data:
            break
        data = decoded
    return None


def _find(part: Part, text: str) -> Rule | None:
    for rule, pattern in _RULES[part]:
        if pattern.search(text):
            return rule
    return None

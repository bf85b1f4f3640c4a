"""How much code the page has: HTML, CSS and JavaScript, without comments and indentation."""

import re
from pathlib import Path

FRONTEND = Path(__file__).parents[2] / "frontend"
BUDGET_BYTES = 180 * 1024
_SUFFIXES = {".html", ".css", ".js"}
_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*\n|^[ \t]*//[^\n]*\n|[ \t]+//\s[^\n]*$", re.M | re.S)
_INDENTATION = re.compile(r"^[ \t]+", re.M)


def code_bytes() -> int:
    files = [file for file in FRONTEND.rglob("*") if file.suffix in _SUFFIXES]
    code = (_INDENTATION.sub("", _COMMENT.sub("", file.read_text())) for file in files)
    return sum(len(text.encode()) for text in code)

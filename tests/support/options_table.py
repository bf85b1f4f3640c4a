"""Write the table of options in docs/engine-api.md: ``python -m tests.support.options_table``."""

from pathlib import Path

from dither_engine.options import ALLOWED, Options

PAGE = Path(__file__).parents[2] / "docs" / "engine-api.md"
START, END = "| option | what it does |", "\n\n"


def table() -> str:
    """One row for each field of `Options`, in order, from its own description."""
    rows = [f"{START} allowed | default |", "|---|---|---|---|"]
    for name, field in Options.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{name}` | {field.description} | {ALLOWED[name]} | {default} |")
    return "\n".join(rows)


def with_table(page: str) -> str:
    """The page with its table replaced."""
    before, _, rest = page.partition(START)
    return before + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))

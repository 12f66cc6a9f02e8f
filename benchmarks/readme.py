"""Tables in the README and other documents, each between two comments that name it."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def put_into_readme(name: str, table: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    put_into(README, name, table)


def put_into(document: Path, name: str, table: str) -> None:
    """The same in another document."""
    text = document.read_text("utf-8")
    between = re.compile(rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)")
    assert between.search(text), f"{document.name} has no place for {name}"
    document.write_text(between.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text), "utf-8")

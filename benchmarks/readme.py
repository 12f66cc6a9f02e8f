"""Tables in the README, each between two comments that name it."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def put_into_readme(name: str, table: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    text = README.read_text("utf-8")
    between = re.compile(rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)")
    assert between.search(text), f"README.md has no place for {name}"
    README.write_text(between.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text), "utf-8")

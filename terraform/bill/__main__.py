"""The command: a plan in, its bill out."""

import argparse
import sys
from decimal import Decimal
from pathlib import Path

from terraform.bill.bill import bill_of, difference, table
from terraform.bill.plan import read
from terraform.bill.tables import NotInTable


def main() -> int:
    """Prints the bill, or how it differs from another; 1 above the limit, 2 where it cannot be told."""
    parser = argparse.ArgumentParser("python -m terraform.bill", description="What a Terraform plan costs a month.")
    parser.add_argument("plan", type=Path, help="what `terraform show -json` printed of it")
    parser.add_argument("--compare", type=Path, metavar="BASE", help="print the difference to this plan instead")
    parser.add_argument("--at-most", type=Decimal, metavar="DOLLARS", help="fail when it is more")
    parser.add_argument("--into", type=Path, metavar="FILE", help="write it into this file, after <!-- NAME -->")
    parser.add_argument("--as", dest="name", metavar="NAME", help="the marker in that file: staging, prod")
    asked = parser.parse_args()
    try:
        bill = bill_of(read(asked.plan))
        text = difference(bill_of(read(asked.compare)), bill) if asked.compare else table(bill)
    except (NotInTable, OSError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 2
    if asked.into:
        asked.into.write_text(between_markers(asked.into.read_text(), asked.name, text))
    else:
        print(text)
    if asked.at_most is not None and bill.total > asked.at_most:
        print(f"${bill.total} a month is more than ${asked.at_most}", file=sys.stderr)
        return 1
    return 0


def between_markers(page: str, name: str, text: str) -> str:
    """The page, with the text between `<!-- name -->` and `<!-- /name -->`."""
    start, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"there is no {start.strip()} ... {end.strip()} to write into")
    return f"{before}{start}{text}{end}{after}"


if __name__ == "__main__":
    sys.exit(main())

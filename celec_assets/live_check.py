"""`make live-check`: one question to each public service, as it is today. Not part of CI, which knows no network.

Says whether the services still answer in the form that the connectors and parsers are written for.
"""

import sys
from collections.abc import Callable
from datetime import date, timedelta

from rich.console import Console
from rich.table import Table

from celec_assets.connectors import geoglows, historian
from celec_assets.connectors.client import USER_AGENT, Client
from celec_assets.connectors.collector import ECUADOR
from celec_assets.refusal import Refusal
from celec_assets.services import now
from celec_assets.settings import Settings, WrongSettings, read_settings
from celec_assets.sources import RefusedFile, read_raw_file

# Not a terminal (a file): wide enough for the table.
CONSOLE = Console(width=None if sys.stdout.isatty() else 120)


def live_check(settings: Settings, today: date, console: Console) -> bool:
    """Ask, show a row an answer, and return whether every one has the form that is expected."""
    ca_bundle = settings.ca_bundle or None
    celec, river_service = (
        Client(url, ca_bundle, retries=0) for url in (settings.historian_url, settings.geoglows_url)
    )
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    point = historian.points(["mazar"])[0]
    river = geoglows.catalogue_rivers()[0]
    questions: dict[str, Callable[[], bytes]] = {
        f"{point.question(month)}/answer": lambda: historian.ask(celec, point, month),
        f"geoglows/{river}/retrospective/{month.year}/answer": lambda: geoglows.ask_past(
            river_service, river, month.year, month.year
        ),
        f"geoglows/{river}/forecast/{today}/answer": lambda: geoglows.ask_forecast(river_service, river),
    }
    table = Table("question", "form", "what came")
    forms: list[str] = []
    for question, ask in questions.items():
        try:
            content = ask()
            _, readings = read_raw_file(question, content, today)
            what = f"{len(content)} bytes, {len(readings)} values"
            if len(readings):
                what += f", {readings['day'].min():%Y-%m-%d} to {readings['day'].max():%Y-%m-%d}"
            form = "as expected"
        except RefusedFile as refused:
            form, what = "[red]another[/red]", refused.reason
        except Refusal as reason:
            form, what = "[red]no answer[/red]", str(reason)
        forms.append(form)
        table.add_row(question.rpartition("/")[0], form, what)
    console.print(f"asking as {USER_AGENT}", highlight=False)
    console.print(table)
    return set(forms) == {"as expected"}


def main() -> int:
    """The command. Returns 0 when all is as expected, 1 when not, 2 when it could not start."""
    try:
        settings = read_settings()
    except WrongSettings as error:
        print(f"live-check: {error}", file=sys.stderr)
        return 2
    return 0 if live_check(settings, now().astimezone(ECUADOR).date(), CONSOLE) else 1


if __name__ == "__main__":
    sys.exit(main())

"""What runs need from outside: the lake, the clock, and whoever is to be told."""

import logging
import unicodedata
from datetime import date, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

if TYPE_CHECKING:
    from celec_assets.storage.lake import Lake

ECUADOR = ZoneInfo("America/Guayaquil")


class LakeResource(dg.ConfigurableResource["Lake"]):
    """The lake, in a folder or in S3."""

    url: str

    def __reduce__(self) -> tuple[object, ...]:
        """Other processes open the lake for themselves."""
        return partial(type(self), url=self.url), ()

    @cached_property
    def _lake(self) -> "Lake":
        # pandas and pyarrow load when the lake is used, not with the definitions.
        from celec_assets.storage.lake import Lake

        return Lake.open(self.url)

    def get(self) -> "Lake":
        """The lake."""
        return self._lake


class Batch(dg.ConfigurableResource[int]):
    """How many partitions one run goes through at most."""

    size: int


class Clock(dg.ConfigurableResource[date]):
    """The local day. Everything that depends on it takes it as an argument."""

    def today(self) -> date:
        """The present day in Ecuador."""
        return datetime.now(ECUADOR).date()


class Notifier(dg.ConfigurableResource[None]):
    """Tells people: in the log, or by an SNS topic whose subscribers get mail or messages."""

    target: str
    """`log`, or the topic's ARN."""
    report_url: str
    dagster_url: str

    def send(self, subject: str, text: str) -> None:
        """Send one message. Raises what boto3 raises when the topic does not take it."""
        if self.target == "log":
            logging.getLogger("celec_assets.alerts").warning("%s\n%s", subject, text)
            return
        import boto3

        region = self.target.split(":")[3]
        # SNS takes subjects of at most 99 ASCII characters on one line.
        plain = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode()
        boto3.client("sns", region_name=region).publish(
            TopicArn=self.target, Subject=" ".join(plain.split())[:99], Message=text
        )

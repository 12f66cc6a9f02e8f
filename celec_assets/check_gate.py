"""The verdict on all asset checks of a catch-up, for CI: a table, JUnit XML, and whether it may pass.

Dagster's own commands exit with 0 when a non-blocking check of severity ERROR fails, and do not miss one that was not
run (docs/decisions.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import dagster as dg

from celec_assets.catch_up import ROAD, Outcome


@dataclass(frozen=True)
class Result:
    """One check, or one partition that could not be made. `status`: passed, warned, failed or NOT RUN."""

    asset: str
    name: str
    status: str
    why: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether CI has to stop."""
        return self.status in ("failed", "NOT RUN")


def judge(defs: dg.Definitions, outcome: Outcome) -> list[Result]:
    """A result for every check of the assets on the daily road and for every partition that failed, worst first."""
    judged = {key for run in outcome.runs for key in run.judged}
    unfinished = {key for run in outcome.runs for key in run.planned - run.judged}
    against = [evaluation for run in outcome.runs for evaluation in run.failing]
    results = [Result(asset, partition, "failed", reason) for asset, partition, reason in outcome.failed]
    checks = defs.resolve_asset_graph().asset_check_keys
    for key in [key for key in checks if key.asset_key.to_user_string() in ROAD]:
        failing = [evaluation for evaluation in against if evaluation.asset_check_key == key]
        if key not in judged or key in unfinished:
            status, why = "NOT RUN", "the step before it failed, or nothing was made"
        elif failing:
            grave = any(evaluation.severity is dg.AssetCheckSeverity.ERROR for evaluation in failing)
            status = "failed" if grave else "warned"
            # The verdicts by partition say more than the one on their range.
            of_partitions = [evaluation for evaluation in failing if evaluation.partition] or failing
            why = "; ".join(f"{e.partition or ''} {_metadata(e)}".strip() for e in of_partitions)
        else:
            status, why = "passed", ""
        results.append(Result(key.asset_key.to_user_string(), key.name, status, why))
    order = ["failed", "NOT RUN", "warned", "passed"]
    return sorted(results, key=lambda result: (order.index(result.status), result.asset, result.name))


def write_junit(results: Sequence[Result], path: Path) -> None:
    """The results as JUnit XML, which CI systems show beside the tests."""
    bad = [result for result in results if result.is_bad]
    suite = ElementTree.Element("testsuite", name="asset checks", tests=str(len(results)), failures=str(len(bad)))
    for result in results:
        case = ElementTree.SubElement(suite, "testcase", classname=result.asset, name=result.name)
        if result.is_bad:
            ElementTree.SubElement(case, "failure", message=result.status).text = result.why
        elif result.why:
            ElementTree.SubElement(case, "system-out").text = f"{result.status}: {result.why}"
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _metadata(evaluation: dg.AssetCheckEvaluation) -> str:
    return ", ".join(f"{name}: {value.value}" for name, value in evaluation.metadata.items())

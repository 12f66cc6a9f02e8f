"""Commands that documents, scripts and workflows name exist, with the options that they are given."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

ROOT = Path(__file__).parents[1]
TEXTS = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "scripts").glob("*.sh")),
    *sorted((ROOT / ".github").rglob("*.yml")),
    ROOT / "README.md",
    ROOT / "terraform/environments/staging/outputs.tf",
]
GLOBAL = {"query", "output", "region", "no-cli-pager"}
# What the CLI has beside the services' own operations.
OWN = {
    ("s3", "cp"): {"recursive"},
    ("s3", "ls"): {"recursive", "summarize"},
    ("logs", "tail"): {"since", "follow", "filter-pattern", "log-stream-names"},
    ("sso", "login"): set(),
    ("ecr", "get-login-password"): set(),
}


def lines(path: Path) -> Iterator[str]:
    """Logical lines; of a document those of its code, and what stands between backticks."""
    fenced = False
    for line in path.read_text("utf-8").replace("\\\n", " ").splitlines():
        fenced ^= line.startswith("```")
        if path.suffix != ".md" or fenced or line.startswith("    "):
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


def aws_commands(line: str) -> Iterator[str]:
    """Each call of the CLI, those within `$(...)` by themselves."""
    while inner := re.search(r"\$\(([^()]*(?:\([^()]*\)[^()]*)*)\)", line):
        yield from aws_commands(inner[1])
        line = line[: inner.start()] + "VALUE" + line[inner.end() :]
    for found in re.finditer(r"(?:^|[\s;(|!\"])aws ((?:[a-z0-9-]+) [a-z][a-z0-9-]+(?=\s|$|\")[^|;`]*)", line):
        yield found[1]


ALL = [
    pytest.param(command, id=f"{path.name}: {' '.join(command.split()[:2])}")
    for path in TEXTS
    for line in lines(path)
    for command in aws_commands(line)
]


@cache
def model(service: str) -> "botocore.model.ServiceModel":
    return botocore.session.get_session().get_service_model({"s3api": "s3"}.get(service, service))


def wrong(command: str) -> str:
    """What is not right about it; empty where nothing is."""
    service, operation, *rest = command.split()
    options = set(re.findall(r"(?<=\s)--([a-z][a-z0-9-]*)", " ".join(["", *rest])))
    if (service, operation) in OWN:
        unknown = options - GLOBAL - OWN[service, operation]
        return f"{service} {operation} has no {sorted(unknown)}" if unknown else ""
    told = model(service)
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service)
        name = next((each for each in waiters.waiter_names if xform_name(each, "-") == rest[0]), None)
        if name is None:
            return f"{service} waits for no {rest[0]}"
        operation = xform_name(waiters.get_waiter(name).operation, "-")
    name = next((each for each in told.operation_names if xform_name(each, "-") == operation), None)
    if name is None:
        return f"{service} has no {operation}"
    shape = told.operation_model(name).input_shape
    members = {xform_name(member, "-"): member for member in shape.members}
    switches = {f"no-{option}" for option, member in members.items() if shape.members[member].type_name == "boolean"}
    if unknown := options - GLOBAL - members.keys() - switches - {"start-from-head"}:
        return f"{service} {operation} has no {sorted(unknown)}"
    missing = {xform_name(member, "-") for member in shape.required_members} - options
    return f"{service} {operation} needs {sorted(missing)}" if missing else ""


@pytest.mark.parametrize("command", ALL)
def test_a_command_of_aws_exists_with_its_options(command: str) -> None:
    assert wrong(command) == ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("aws ecs describe-servces --cluster x", "ecs has no describe-servces"),
        ("aws ecs stop-task --cluster x", "ecs stop-task needs ['task']"),
        ("x=$(aws rds describe-db-instances --db-instance x)", "rds describe-db-instances has no ['db-instance']"),
        ("aws rds wait db-instance-awake --db-instance-identifier x", "rds waits for no db-instance-awake"),
        ("aws s3 cp a b --recursiv", "s3 cp has no ['recursiv']"),
        ("aws ecs stop-task --task $(aws ecs list-tsks --cluster x) --cluster x", "ecs has no list-tsks"),
    ],
)
def test_a_wrong_command_is_seen(line: str, problem: str) -> None:
    assert problem in [wrong(command) for command in aws_commands(line)]


def test_commands_of_aws_are_found() -> None:
    assert len(ALL) > 60


def test_targets_scripts_and_sub_commands_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    commands = set(re.findall(r'add_parser\(\s*"(\w+)"', (ROOT / "celec_assets/cli.py").read_text("utf-8")))
    missing = []
    for path in [*TEXTS, ROOT / "CONTRIBUTING.md", ROOT / ".ci/run"]:
        for line in lines(path):
            named = re.findall(r"(?:^|run: |\s)make ((?:[a-z.][\w./-]* ?)+)", line)
            words = [word for words in named for word in shlex.split(words)] if path.suffix in (".md", ".yml") else []
            missing += [
                f"{path.name}: make {word}" for word in words if word not in targets and not word.startswith(".venv")
            ]
            missing += [
                f"{path.name}: {script}"
                for script in re.findall(r"(?<![\w/.])(scripts/[\w-]+\.sh)", line)
                if not (ROOT / script).exists()
            ]
            missing += [
                f"{path.name}: celec {command}"
                for command in re.findall(r"(?:^|bin/|code )celec ([a-z]+)", line)
                if command not in commands
            ]
    assert missing == []

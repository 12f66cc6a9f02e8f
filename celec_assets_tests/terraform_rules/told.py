"""Rules of what containers are told: settings, secrets, and where to start runs."""

import json
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from celec_assets.settings import Settings
from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.reading import Findings, environment, every_container, secrets, task_with

DEPLOY: Final = Path(__file__).parents[2] / "deploy"

_SECRET_NAME: Final = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|PRIVATE|ACCESS_KEY)(?!_VERSION)")
_SECRET_VALUE: Final = re.compile(r"://[^/@\s]+:[^/@\s]+@|AKIA[0-9A-Z]{16}|-----BEGIN")


def names_are_either_told_or_secret(plan: ShownPlan) -> Findings:
    for where, container in every_container(plan):
        told = [pair["name"] for pair in [*container.get("environment", []), *container.get("secrets", [])]]
        if twice := {name for name in told if told.count(name) > 1}:
            yield f"{where}: {', '.join(sorted(twice))} is given twice, which ECS refuses"


def settings_are_known_and_usable(plan: ShownPlan) -> Findings:
    known = {f"CELEC_{name.upper()}": name for name in Settings.model_fields}
    for where, container in every_container(plan):
        told = {name: value for name, value in environment(container).items() if name.startswith("CELEC_")}
        if unknown := told.keys() - known.keys():
            yield f"{where}: {', '.join(sorted(unknown))} is no setting"
        try:
            Settings(**{known[name]: value for name, value in told.items() if name in known})
        except ValueError as error:
            yield f"{where}: {error}"


def everything_that_dagster_reads_is_there(plan: ShownPlan) -> Findings:
    """What deploy/dagster.yaml and deploy/workspace.yaml take from the environment."""
    instance, workspace = (
        set(re.findall(r"\{env: (\w+)\}", (DEPLOY / name).read_text())) for name in ("dagster.yaml", "workspace.yaml")
    )
    for where, container in every_container(plan):
        name = container["name"]
        if name in ("webserver", "daemon", "code", "run", "database"):
            needed = instance | (workspace if name in ("webserver", "daemon") else set())
            if missing := needed - environment(container).keys() - secrets(container).keys():
                yield f"{where}: lacks {', '.join(sorted(missing))}"


def runs_are_told_what_services_are_told(plan: ShownPlan) -> Findings:
    """One list for both: a run that had another lake than its sensor would be lost without an error."""
    found = {container["name"]: container for _, container in every_container(plan)}
    if not {"code", "run"} <= found.keys():
        return  # containers_have_the_names_that_others_use says so
    for kind in (environment, secrets):
        code, run = kind(found["code"]), kind(found["run"])
        for name in sorted(code.keys() | run.keys()):
            # The task definition of runs cannot name itself.
            if name != "DAGSTER_ECS_TASK_DEFINITION" and code.get(name) != run.get(name):
                yield f"{name} is {code.get(name)!r} for the code location and {run.get(name)!r} for runs"


def services_start_the_runs_of_the_plan(plan: ShownPlan) -> Findings:
    run = task_with("run", plan)
    for where, container in every_container(plan):
        definition = environment(container).get("DAGSTER_ECS_TASK_DEFINITION")
        if container["name"] in ("webserver", "daemon") and run and definition != run.values["arn"]:
            yield f"{where}: starts runs of {definition}, not of {run.address}"


def runs_are_started_into_the_network_of_the_plan(plan: ShownPlan) -> Findings:
    subnets = {subnet.values["id"] for subnet in plan.of("aws_subnet")}
    groups = {group.values["id"] for group in plan.of("aws_security_group")}
    clusters = {cluster.values[key] for cluster in plan.of("aws_ecs_cluster") for key in ("name", "arn")}
    for where, container in every_container(plan):
        told = environment(container)
        if "DAGSTER_ECS_NETWORK" not in told:
            continue
        network = json.loads(told["DAGSTER_ECS_NETWORK"])["awsvpcConfiguration"]
        if not (set(network["subnets"]) <= subnets and set(network["securityGroups"]) <= groups):
            yield f"{where}: starts runs into subnets or groups that are not in the plan"
        if network.get("assignPublicIp") != "ENABLED":
            yield f"{where}: runs would have no road to ECR, S3 and the historian"
        if told.get("DAGSTER_ECS_CLUSTER") not in clusters:
            yield f"{where}: starts runs in a cluster that is not in the plan"


def no_secret_is_in_plain_text(plan: ShownPlan) -> Findings:
    for where, container in every_container(plan):
        for name, value in environment(container).items():
            if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
                yield f"{where}: {name} is no secret, but looks like one"
        if any(_SECRET_VALUE.search(word) for word in container.get("command", [])):
            yield f"{where}: a password stands in its command"
    for name, variable in plan.shown.get("variables", {}).items():
        value = variable.get("value")
        if (_SECRET_NAME.search(name.upper()) and isinstance(value, str)) or _SECRET_VALUE.search(json.dumps(value)):
            yield f"variable {name}: secrets do not come by variables"


def secrets_are_read_from_secrets_of_the_plan(plan: ShownPlan) -> Findings:
    arns = {secret.values["arn"] for secret in plan.of("aws_secretsmanager_secret")}
    # That of the master user, which RDS makes, is empty before there is an RDS.
    arns |= {"" for database in plan.of("aws_db_instance") if database.get("manage_master_user_password")}
    for where, container in every_container(plan):
        for name, source in secrets(container).items():
            if re.sub(r":\w*::$", "", source) not in arns:
                yield f"{where}: {name} comes from {source}, which is not in the plan"


def mlflow_knows_the_names_that_it_is_asked_by(plan: ShownPlan) -> Findings:
    """Its pages post to where they came from, tasks ask by the name inside. It refuses all others."""
    domain = plan.shown["variables"].get("domain", {}).get("value")
    hosts = [domain["name"]] if domain else [balancer.values["dns_name"] for balancer in plan.of("aws_lb")]
    for where, container in every_container(plan):
        if container["name"] != "mlflow":
            continue
        inside, outside = (environment(container)[f"CELEC_MLFLOW_{which}URL"] for which in ("", "PUBLIC_"))
        allowed, origins = (_option(container["command"], name) for name in ("allowed-hosts", "cors-allowed-origins"))
        if urlsplit(outside).hostname not in hosts:
            yield f"{where}: people are led to {outside}, which is not the load balancer"
        for url in (inside, outside):
            if urlsplit(url).netloc not in allowed:
                yield f"{where}: refuses who asks for {urlsplit(url).netloc}"
        if outside not in origins:
            yield f"{where}: refuses what its own pages post, from {outside}"


def _option(command: list[str], name: str) -> list[str]:
    return command[command.index(f"--{name}") + 1].split(",") if f"--{name}" in command else []

"""Rules of services: what they show, how they scale, and how they are replaced."""

import re
from collections.abc import Iterator
from typing import Final

from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.reading import (
    Findings,
    containers,
    environment,
    every_container,
    ports,
    task_of,
    task_with,
)
from terraform.bill.plan import Resource

HEALTH: Final = {"webserver": "/server_info", "mlflow": "/health", "report": "/health", "jupyter": "/api"}
"""What says without a login that a page is there."""


def services_and_targets_agree_on_container_and_port(plan: ShownPlan) -> Findings:
    for service in plan.of("aws_ecs_service"):
        listening = {c["name"]: ports(c) for c in containers(task_of(service, plan))}
        for target in service.get("load_balancer", []):
            name, port = target["container_name"], target["container_port"]
            if port not in listening.get(name, set()):
                yield f"{service.address}: no container {name} listens on {port}"
            group = plan.by("aws_lb_target_group", "arn", target["target_group_arn"])
            if not group:
                yield f"{service.address}: its target group is not in the plan"
            elif group.values["port"] != port:
                yield f"{group.address}: asks {group.values['port']} where {name} listens on {port}"


def targets_are_addresses_with_a_health_page(plan: ShownPlan) -> Findings:
    asked = {
        target["target_group_arn"]: target["container_name"]
        for service in plan.of("aws_ecs_service")
        for target in service.get("load_balancer", [])
    }
    for group in plan.of("aws_lb_target_group"):
        if group.get("target_type") != "ip":
            yield f"{group.address}: tasks of Fargate are targets by their address, target_type ip"
        container = asked.get(group.values["arn"])
        path = group.values["health_check"][0]["path"]
        if container is None:
            yield f"{group.address}: no service fills it"
        elif path != HEALTH[container]:
            yield f"{group.address}: {container} tells its health at {HEALTH[container]}, not at {path}"


def names_inside_lead_to_listening_containers(plan: ShownPlan) -> Findings:
    """Where MLflow and the code location are looked for, there is a service of that name that listens there."""
    registered: dict[str, set[int]] = {}
    zones = {zone.values["id"]: zone.values["name"] for zone in plan.of("aws_service_discovery_private_dns_namespace")}
    for service in plan.of("aws_ecs_service"):
        for registry in service.get("service_registries", []):
            found = plan.by("aws_service_discovery_service", "arn", registry["registry_arn"])
            if not found:
                yield f"{service.address}: its name is not in the plan"
                continue
            zone = zones.get(found.values["dns_config"][0]["namespace_id"], "?")
            listening = {port for container in containers(task_of(service, plan)) for port in ports(container)}
            registered[f"{found.values['name']}.{zone}"] = listening
    for where, container in every_container(plan):
        told = environment(container)
        asked = re.fullmatch(r"http://([^:/]+):(\d+)", told.get("CELEC_MLFLOW_URL", ""))
        addresses = [(asked[1], int(asked[2]))] if asked else []
        if "DAGSTER_CODE_SERVER_HOST" in told:
            addresses.append((told["DAGSTER_CODE_SERVER_HOST"], int(told["DAGSTER_CODE_SERVER_PORT"])))
        for host, port in addresses:
            same_task = host in ("localhost", "127.0.0.1")
            if not same_task and port not in registered.get(host, set()):
                yield f"{where}: nothing listens at {host}:{port}"


def there_are_never_two_daemons(plan: ShownPlan) -> Findings:
    daemons = [
        s for s in plan.of("aws_ecs_service") if any(c["name"] == "daemon" for c in containers(task_of(s, plan)))
    ]
    if len(daemons) != 1:
        yield f"{len(daemons)} services run the daemon"
    for service in daemons:
        if (service.get("deployment_maximum_percent"), service.get("deployment_minimum_healthy_percent")) != (100, 0):
            yield f"{service.address}: while it is replaced there would be two"
        if service.get("desired_count", 0) > 1 or any(most > 1 for most in _at_most(service, plan)):
            yield f"{service.address}: may have more than one task"


def _at_most(service: Resource, plan: ShownPlan) -> Iterator[int]:
    end = f"/{service.values['name']}"
    for target in plan.of("aws_appautoscaling_target"):
        if target.values["resource_id"].endswith(end):
            yield target.values["max_capacity"]
    for action in plan.of("aws_appautoscaling_scheduled_action"):
        if action.values["resource_id"].endswith(end):
            yield int(action.values["scalable_target_action"][0]["max_capacity"])


def a_deployment_that_fails_is_rolled_back(plan: ShownPlan) -> Findings:
    for service in plan.of("aws_ecs_service"):
        breakers = service.get("deployment_circuit_breaker") or [{}]
        if not (breakers[0].get("enable") and breakers[0].get("rollback")):
            yield f"{service.address}: a deployment that fails leaves nothing: no circuit breaker with roll-back"
        pages = {"webserver", "mlflow", "report"} & {c["name"] for c in containers(task_of(service, plan))}
        if pages and service.get("deployment_minimum_healthy_percent", 0) < 100:
            yield f"{service.address}: shows no page while it is replaced"


def pages_scale_by_their_cpu(plan: ShownPlan) -> Findings:
    """Out above 70 %, in below 30 %."""
    for part in ("webserver", "pages"):
        task = task_with({"webserver": "webserver", "pages": "mlflow"}[part], plan)
        services = [s for s in plan.of("aws_ecs_service") if task and s.get("task_definition") == task.get("arn")]
        for service in services:
            if max(_at_most(service, plan), default=1) < 2:
                yield f"{service.address}: does not scale"
            seen = set()
            for alarm in plan.of("aws_cloudwatch_metric_alarm"):
                if (alarm.get("dimensions") or {}).get("ServiceName") == service.values["name"]:
                    for policy in plan.of("aws_appautoscaling_policy"):
                        if policy.values["arn"] in alarm.get("alarm_actions", []):
                            step = policy.values["step_scaling_policy_configuration"][0]["step_adjustment"][0]
                            way = (
                                alarm.values["comparison_operator"].removesuffix("Threshold").removesuffix("OrEqualTo")
                            )
                            seen.add((way, int(alarm.values["threshold"]), int(step["scaling_adjustment"])))
            if seen != {("GreaterThan", 70, 1), ("LessThan", 30, -1)}:
                yield f"{service.address}: scales by {sorted(seen)}"


def containers_of_services_tell_their_health(plan: ShownPlan) -> Findings:
    for service in plan.of("aws_ecs_service"):
        for container in containers(task_of(service, plan)):
            if "healthCheck" not in container:
                yield f"{service.address}: {container['name']} has no health check"

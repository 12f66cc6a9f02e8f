"""Rules of who may talk to whom, and of the one entrance."""

import ipaddress
import json
from collections.abc import Iterator
from typing import Final

from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.reading import Findings, containers, environment, ports, task_of, task_with
from terraform.bill.plan import Resource

POSTGRES: Final = 5432
HTTPS: Final = 443
HISTORIAN: Final = 8443
WIDEST: Final = 8
"""Bits of the widest block that may be let in."""

INGRESS, EGRESS = "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"


def blocks(rule: Resource) -> list[str]:
    return [block for kind in ("cidr_ipv4", "cidr_ipv6") if (block := rule.get(kind))]


def span(rule: Resource) -> tuple[str, int, int]:
    """Protocol and ports; all of them are 0 to 65535."""
    protocol = rule.values["ip_protocol"]
    if protocol == "-1":
        return protocol, 0, 65535
    return protocol, rule.values["from_port"], rule.values["to_port"]


def groups_of_services(plan: ShownPlan) -> dict[str, list[str]]:
    """Security groups of each container; those of runs are told to who starts them."""
    found: dict[str, list[str]] = {}
    for service in plan.of("aws_ecs_service"):
        for container in containers(task_of(service, plan)):
            found[container["name"]] = service.values["network_configuration"][0]["security_groups"]
    for task in plan.of("aws_ecs_task_definition"):
        for container in containers(task):
            if network := environment(container).get("DAGSTER_ECS_NETWORK"):
                found["run"] = found["database"] = json.loads(network)["awsvpcConfiguration"]["securityGroups"]
    return found


def nobody_is_let_in_from_everywhere(plan: ShownPlan) -> Findings:
    for rule in plan.of(INGRESS):
        for block in blocks(rule):
            if ipaddress.ip_network(block).prefixlen < WIDEST:
                yield f"{rule.address}: lets in {block}"
        if rule.get("prefix_list_id"):
            yield f"{rule.address}: lets in a list of addresses that the plan does not show"


def only_the_entrance_lets_in_addresses(plan: ShownPlan) -> Findings:
    entrance = {group for balancer in plan.of("aws_lb") for group in balancer.get("security_groups", [])}
    listened = {listener.values["port"] for listener in plan.of("aws_lb_listener")}
    for rule in plan.of(INGRESS):
        if blocks(rule) and rule.values["security_group_id"] not in entrance:
            yield f"{rule.address}: lets {', '.join(blocks(rule))} past the load balancer"
        protocol, first, last = span(rule)
        if blocks(rule) and (protocol != "tcp" or first != last or first not in listened):
            yield f"{rule.address}: opens {protocol} {first} to {last}, where nothing listens"


def rules_and_groups_say_what_they_are_for(plan: ShownPlan) -> Findings:
    for found in plan.of("aws_security_group", INGRESS, EGRESS):
        if len(found.get("description", "")) < 5 or found.get("description") == "Managed by Terraform":
            yield f"{found.address}: has no description"


def groups_have_no_rules_within(plan: ShownPlan) -> Findings:
    """Rules are resources of their own: those within a group are changed back and forth between the two."""
    for group in plan.of("aws_security_group", "aws_default_security_group"):
        if group.get("ingress") or group.get("egress"):
            yield f"{group.address}: has rules within"
    for old in plan.of("aws_security_group_rule"):
        yield f"{old.address}: is a rule of the old kind, without description of its own"


def both_sides_of_a_conversation_allow_it(plan: ShownPlan) -> Findings:
    said = {
        kind: {
            (rule.values["security_group_id"], rule.values["referenced_security_group_id"], span(rule)): rule.address
            for rule in plan.of(kind)
            if rule.get("referenced_security_group_id")
        }
        for kind in (INGRESS, EGRESS)
    }
    for (group, other, where), address in said[EGRESS].items():
        if (other, group, where) not in said[INGRESS]:
            yield f"{address}: is not let in on the other side"
    for (group, other, where), address in said[INGRESS].items():
        if (other, group, where) not in said[EGRESS]:
            yield f"{address}: is not let out on the other side"


def what_goes_out_to_the_world_is_https(plan: ShownPlan) -> Findings:
    for rule in plan.of(EGRESS):
        if blocks(rule) and span(rule) not in (("tcp", HTTPS, HTTPS), ("tcp", HISTORIAN, HISTORIAN)):
            yield f"{rule.address}: lets out {span(rule)} to {', '.join(blocks(rule))}"


def everybody_reaches_what_it_needs(plan: ShownPlan) -> Findings:
    """By container: the world by HTTPS, the historian, the database, MLflow and the code location."""
    groups = groups_of_services(plan)
    database = {group for found in plan.of("aws_db_instance") for group in found.get("vpc_security_group_ids", [])}
    needs: list[tuple[str, int, str | None]] = [(name, HTTPS, None) for name in groups]
    needs += [(name, POSTGRES, "database instance") for name in ("webserver", "daemon", "code", "mlflow", "run")]
    needs += [("run", HISTORIAN, None), ("run", 5000, "mlflow"), ("webserver", 4000, "code"), ("daemon", 4000, "code")]
    for name, port, other in needs:
        if name not in groups:
            continue
        wanted = database if other == "database instance" else set(groups.get(other or "", []))
        if not any(_lets_out(rule, groups[name], port, wanted) for rule in plan.of(EGRESS)):
            yield f"{name} does not reach {other or 'the world'} at {port}"


def _lets_out(rule: Resource, groups: list[str], port: int, to: set[str]) -> bool:
    _, first, last = span(rule)
    there = rule.get("referenced_security_group_id") in to if to else "0.0.0.0/0" in blocks(rule)
    return rule.values["security_group_id"] in groups and first <= port <= last and there


def the_entrance_reaches_its_targets(plan: ShownPlan) -> Findings:
    entrance = [group for balancer in plan.of("aws_lb") for group in balancer.get("security_groups", [])]
    for service in plan.of("aws_ecs_service"):
        own = set(service.values["network_configuration"][0]["security_groups"])
        for target in service.get("load_balancer", []):
            if not any(_lets_out(rule, entrance, target["container_port"], own) for rule in plan.of(EGRESS)):
                yield f"the load balancer does not reach {target['container_name']} at {target['container_port']}"


def tasks_have_a_road_out(plan: ShownPlan) -> Findings:
    """Public subnets with a public address: there is no NAT gateway."""
    public = public_subnets(plan)
    for service in plan.of("aws_ecs_service"):
        network = service.values["network_configuration"][0]
        if not network.get("assign_public_ip") or not set(network["subnets"]) <= public:
            yield f"{service.address}: has no road to ECR, S3 and CloudWatch"


def public_subnets(plan: ShownPlan) -> set[str]:
    doors = {door.values["id"] for door in plan.of("aws_internet_gateway")}
    tables = {route.values["route_table_id"] for route in plan.of("aws_route") if route.get("gateway_id") in doors}
    tables |= {
        table.values["id"]
        for table in plan.of("aws_route_table")
        if any(route.get("gateway_id") in doors for route in table.get("route", []))
    }
    return {
        association.values["subnet_id"]
        for association in plan.of("aws_route_table_association")
        if association.values["route_table_id"] in tables
    }


def the_database_has_no_road_at_all(plan: ShownPlan) -> Findings:
    public = public_subnets(plan)
    associated = {found.values["subnet_id"] for found in plan.of("aws_route_table_association")}
    for group in plan.of("aws_db_subnet_group"):
        if exposed := set(group.values["subnet_ids"]) & public:
            yield f"{group.address}: {len(exposed)} of its subnets are public"
        if set(group.values["subnet_ids"]) - associated:
            yield f"{group.address}: a subnet without a route table of its own follows the main one"


def the_database_is_let_to_by_tasks_alone(plan: ShownPlan) -> Findings:
    database = {group for found in plan.of("aws_db_instance") for group in found.get("vpc_security_group_ids", [])}
    tasks = {group for groups in groups_of_services(plan).values() for group in groups}
    for rule in plan.of(INGRESS):
        known = rule.get("referenced_security_group_id") in tasks and span(rule) == ("tcp", POSTGRES, POSTGRES)
        if rule.values["security_group_id"] in database and not known:
            yield f"{rule.address}: lets others to the database"


def the_entrance_stands_in_two_zones(plan: ShownPlan) -> Findings:
    zones = {subnet.values["id"]: subnet.values["availability_zone"] for subnet in plan.of("aws_subnet")}
    for balancer in plan.of("aws_lb"):
        if len({zones.get(subnet) for subnet in balancer.get("subnets", [])}) < 2:
            yield f"{balancer.address}: a load balancer needs two zones"
        if not balancer.get("drop_invalid_header_fields"):
            yield f"{balancer.address}: passes on headers that are none"
    if len(plan.of("aws_lb")) != 1:
        yield f"there are {len(plan.of('aws_lb'))} load balancers, each for $16"


def every_page_has_a_listener(plan: ShownPlan) -> Findings:
    shown = {target for listener in plan.of("aws_lb_listener") for target in _forwarded(listener)}
    for service in plan.of("aws_ecs_service"):
        for target in service.get("load_balancer", []):
            if target["target_group_arn"] not in shown:
                yield f"{service.address}: nobody reaches {target['container_name']}"
    filled = {t["container_name"] for s in plan.of("aws_ecs_service") for t in s.get("load_balancer", [])}
    yield from (f"no page leads to {name}" for name in ("webserver", "mlflow", "report") if name not in filled)


def _forwarded(listener: Resource) -> Iterator[str]:
    for action in listener.get("default_action", []):
        if action["type"] == "forward":
            yield action["target_group_arn"]


def pages_ask_who_is_there(plan: ShownPlan) -> Findings:
    """By HTTPS with a login before anything is forwarded; without a domain there is HTTP, for named addresses."""
    secure = [listener for listener in plan.of("aws_lb_listener") if listener.values["protocol"] == "HTTPS"]
    for listener in plan.of("aws_lb_listener"):
        actions = sorted(listener.get("default_action", []), key=lambda action: action.get("order") or 1)
        kinds = [action["type"] for action in actions]
        if listener in secure and (kinds[0] not in ("authenticate-cognito", "authenticate-oidc")):
            yield f"{listener.address}: shows its page to everybody"
        if listener in secure and not listener.get("certificate_arn"):
            yield f"{listener.address}: has no certificate"
        if listener in secure and "TLS13" not in listener.get("ssl_policy", ""):
            yield f"{listener.address}: speaks TLS older than 1.2"
        if listener not in secure and secure and kinds != ["redirect"]:
            yield f"{listener.address}: shows in clear what others show after a login"


def targets_answer_on_the_port_of_their_container(plan: ShownPlan) -> Findings:
    for name, port in (("webserver", 3000), ("mlflow", 5000), ("report", 8080), ("code", 4000)):
        task = task_with(name, plan)
        if task and not any(port in ports(c) for c in containers(task) if c["name"] == name):
            yield f"{task.address}: {name} does not listen on {port}, as it does everywhere else"

"""Faults of the network, and of names and descriptions."""

from typing import Any

from celec_assets_tests.terraform_faults.planting import Fault, also, container, inner, put, resources, without

IN = "aws_vpc_security_group_ingress_rule"
OUT = "aws_vpc_security_group_egress_rule"
SERVICE = "aws_ecs_service"
WORLD = {"cidr_ipv4": "0.0.0.0/0", "referenced_security_group_id": None}


def within_default_group(shown: dict[str, Any]) -> None:
    (group,) = resources(shown, "aws_default_security_group")
    group["values"]["ingress"] = [{"cidr_blocks": ["10.0.0.0/8"]}]


def public_subnets_for_the_database(shown: dict[str, Any]) -> None:
    public = [subnet["values"]["id"] for subnet in resources(shown, "aws_subnet", "public")]
    put("aws_db_subnet_group", subnet_ids=public)(shown)


FAULTS: list[tuple[str, str, Fault]] = [
    # rule, environment, fault
    (
        "names_and_descriptions_have_letters_that_aws_takes",
        "staging",
        put(OUT, "historian", description="CELEC's historian"),
    ),
    ("names_and_descriptions_have_letters_that_aws_takes", "prod", put("aws_lb", name="celec_prod")),
    ("tags_have_letters_that_aws_takes", "prod", put("aws_vpc", tags_all={"Name": "CELEC's network"})),
    ("nobody_is_let_in_from_everywhere", "staging", put(IN, "visit", cidr_ipv4="0.0.0.0/0")),
    ("nobody_is_let_in_from_everywhere", "staging", put(IN, "visit", cidr_ipv6="::/0")),
    (
        "only_the_entrance_lets_in_addresses",
        "staging",
        put(IN, "entrance-webserver", cidr_ipv4="10.0.0.0/8", referenced_security_group_id=None),
    ),
    ("only_the_entrance_lets_in_addresses", "staging", put(IN, "visit", from_port=1, to_port=65535)),
    ("rules_and_groups_say_what_they_are_for", "prod", put(OUT, "historian", description=None)),
    (
        "rules_and_groups_say_what_they_are_for",
        "prod",
        put("aws_security_group", "runs", description="Managed by Terraform"),
    ),
    ("groups_have_no_rules_within", "prod", within_default_group),
    ("both_sides_of_a_conversation_allow_it", "prod", without(IN, "runs-mlflow")),
    ("both_sides_of_a_conversation_allow_it", "prod", put(OUT, "entrance-report", from_port=8081, to_port=8081)),
    (
        "what_goes_out_to_the_world_is_https",
        "staging",
        put(OUT, 'https["runs"]', ip_protocol="-1", from_port=None, to_port=None),
    ),
    ("what_goes_out_to_the_world_is_https", "staging", put(OUT, "pages-database", **WORLD)),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, 'https["runs"]')),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, "historian")),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, "pages-database")),
    ("everybody_reaches_what_it_needs", "staging", without(OUT, "runs-mlflow")),
    ("everybody_reaches_what_it_needs", "staging", put(OUT, "webserver-code", from_port=4001, to_port=4001)),
    ("the_entrance_reaches_its_targets", "prod", without(OUT, "entrance-mlflow")),
    ("tasks_have_a_road_out", "prod", put(SERVICE, "pages", network_configuration=inner("assign_public_ip", False))),
    ("tasks_have_a_road_out", "prod", without("aws_route", "internet")),
    ("the_database_has_no_road_at_all", "prod", public_subnets_for_the_database),
    ("the_database_has_no_road_at_all", "prod", without("aws_route_table_association", "private")),
    (
        "the_database_is_let_to_by_tasks_alone",
        "prod",
        also(IN, "pages-database", cidr_ipv4="10.0.0.0/8", referenced_security_group_id=None),
    ),
    ("the_entrance_stands_in_two_zones", "staging", put("aws_lb", subnets=lambda subnets: subnets[:1])),
    ("the_entrance_stands_in_two_zones", "staging", put("aws_lb", drop_invalid_header_fields=False)),
    ("the_entrance_stands_in_two_zones", "staging", also("aws_lb")),
    ("every_page_has_a_listener", "staging", without("aws_lb_listener", "mlflow")),
    ("every_page_has_a_listener", "staging", put(SERVICE, "pages", load_balancer=lambda targets: targets[:1])),
    ("pages_ask_who_is_there", "prod", put("aws_lb_listener", "dagster", default_action=lambda actions: actions[1:])),
    ("pages_ask_who_is_there", "prod", put("aws_lb_listener", "mlflow", protocol="HTTP")),
    ("pages_ask_who_is_there", "prod", put("aws_lb_listener", "report", ssl_policy="ELBSecurityPolicy-2016-08")),
    ("targets_answer_on_the_port_of_their_container", "prod", container("code", portMappings=[])),
]

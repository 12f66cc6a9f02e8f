"""What each type of resource is charged for: the name of a price, and how much of it a month."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, TypeAlias

from terraform.bill.hours import MONTH, hours_on
from terraform.bill.plan import Plan, Resource
from terraform.bill.tables import NotInTable, free_types, usage

Charge: TypeAlias = tuple[str, Decimal]
Charges: TypeAlias = Iterator[Charge]

DAYS: Final = MONTH / 24


def charges(resource: Resource, plan: Plan) -> Charges:
    """What a resource costs.

    Raises:
        NotInTable: a type, a size or a name of which prices.csv, usage.csv and free.csv say nothing.
        ValueError: schedules whose hours cannot be told.
    """
    if resource.type in _CHARGED:
        yield from _CHARGED[resource.type](resource, plan)
    elif resource.type not in free_types():
        raise NotInTable(
            f"{resource.address}: nothing is known of what {resource.type} costs; add it to terraform/bill/charges.py "
            "with its prices, or to free.csv"
        )


def _service(service: Resource, plan: Plan) -> Charges:
    task = _task_definition(service, plan)
    hours = _task_hours(service, plan)
    yield from _fargate(task, hours)
    if any(network.get("assign_public_ip") for network in service.get("network_configuration", [])):
        yield "public-ipv4", hours


def _task_definition(service: Resource, plan: Plan) -> Resource:
    """By its ARN or family; where that is not known yet, the one that the code refers to."""
    tasks = plan.of("aws_ecs_task_definition")
    if named := service.get("task_definition"):
        family = named.rpartition("/")[2].partition(":")[0]
        found = [task for task in tasks if named == task.get("arn") or family == task.get("family")]
    else:
        found = [task for task in plan.referred(service, "task_definition") if task in tasks]
    if len(found) != 1:
        raise NotInTable(f"{service.address}: which task definition it runs cannot be told from the plan")
    return found[0]


def _task_hours(service: Resource, plan: Plan) -> Decimal:
    hours, tasks, most = _scaling(service, plan)
    return hours * (tasks + (usage("scaled-out") if most > tasks else 0))


def _scaling(service: Resource, plan: Plan) -> tuple[Decimal, int, int]:
    """Hours a month that it is up, and how many tasks then are there at least and at most."""
    end = f"/{service.values['name']}"
    actions = [
        (action.values["schedule"], action.values["scalable_target_action"][0])
        for action in plan.of("aws_appautoscaling_scheduled_action")
        if action.get("resource_id", "").endswith(end)
    ]
    up = [action for _, action in actions if int(action["max_capacity"])]
    hours = hours_on([(schedule, bool(int(action["max_capacity"]))) for schedule, action in actions])
    if up:
        return hours, max(int(a["min_capacity"]) for a in up), max(int(a["max_capacity"]) for a in up)
    targets = [t for t in plan.of("aws_appautoscaling_target") if t.get("resource_id", "").endswith(end)]
    if targets:
        return hours, int(targets[0].values["min_capacity"]), int(targets[0].values["max_capacity"])
    return hours, int(service.get("desired_count", 0)), int(service.get("desired_count", 0))


def _up(plan: Plan) -> Decimal:
    """Share of the month in which the platform is up: that of the service that is up the longest."""
    return max((_scaling(service, plan)[0] for service in plan.of("aws_ecs_service")), default=MONTH) / MONTH


def _a_month(name: str, plan: Plan) -> Decimal:
    """Of what usage.csv tells by the day up."""
    return usage(name) * DAYS * _up(plan)


def _fargate(task: Resource, hours: Decimal, kind: str = "fargate") -> Charges:
    platform = task.get("runtime_platform", [])
    chip = "arm" if platform and platform[0].get("cpu_architecture") == "ARM64" else "x86"
    yield f"{kind}-{chip}-vcpu", hours * int(task.values["cpu"]) / 1024
    yield f"{kind}-{chip}-gb", hours * int(task.values["memory"]) / 1024
    for disk in task.get("ephemeral_storage", []):
        yield "fargate-storage", hours * (disk["size_in_gib"] - 20)


def _tasks(task: Resource, plan: Plan) -> Charges:
    """Tasks that are started one by one: runs, and the database task."""
    if any(_task_definition(service, plan) == task for service in plan.of("aws_ecs_service")):
        return  # counted with its service
    kind = task.values["family"].rpartition("-")[2]
    if kind == "run":
        yield from _runs(task, plan)
        return
    hours = usage(f"{kind}.tasks") * usage(f"{kind}.minutes") / 60
    yield from _fargate(task, hours)
    yield "public-ipv4", hours


def _runs(task: Resource, plan: Plan) -> Charges:
    hours = _a_month("run.tasks", plan) * usage("run.minutes") / 60
    training = usage("training.hours") * DAYS / 7 * _up(plan)
    providers = plan.of("aws_ecs_cluster_capacity_providers")
    spot = any("FARGATE_SPOT" in provider.get("capacity_providers", []) for provider in providers)
    on_demand = usage("run.on-demand") if spot else Decimal(1)
    large = {"cpu": int(usage("training.vcpu") * 1024), "memory": int(usage("training.gb") * 1024)}
    for of, for_hours in (
        (task, hours),
        (Resource(task.address, task.type, {**task.values, **large}), training),
    ):
        yield from _fargate(of, for_hours * on_demand)
        if spot:
            yield from _fargate(of, for_hours * (1 - on_demand), "fargate-spot")
    yield "public-ipv4", hours + training


def _load_balancer(balancer: Resource, plan: Plan) -> Charges:
    yield "alb", MONTH
    yield "alb-capacity", MONTH * usage("alb.capacity-units")
    if not balancer.get("internal"):
        # A node in each zone. Before the first apply subnets have no ids, but they have zones.
        zones = {subnet.get("availability_zone") for subnet in plan.of("aws_subnet")}
        yield "public-ipv4", MONTH * (len(balancer.get("subnets", [])) or len(zones))
    yield "traffic-out", _a_month("traffic.out", plan)


def _database(database: Resource, plan: Plan) -> Charges:
    zones = 2 if database.get("multi_az") else 1
    hours = hours_on(list(_switches(database, plan)))
    yield f"rds-{database.values['instance_class']}{'-multi-az' if zones == 2 else ''}", hours
    gb = Decimal(database.values["allocated_storage"])
    yield f"rds-storage-{database.get('storage_type', 'gp2')}", gb * zones
    if database.get("backup_retention_period"):
        yield "rds-backup", max(usage("backups.gb") - gb, Decimal(0))
    if database.get("manage_master_user_password"):
        yield "secret", Decimal(1)
    if database.get("publicly_accessible"):
        yield "public-ipv4", hours
    if database.get("monitoring_interval"):
        raise NotInTable(f"{database.address}: nothing is known of what enhanced monitoring costs")
    yield "traffic-zones", _a_month("traffic.zones", plan) * 2


def _switches(database: Resource, plan: Plan) -> Iterator[tuple[str, bool]]:
    for schedule in plan.of("aws_scheduler_schedule"):
        for target in schedule.get("target", []):
            call = re.fullmatch(r"arn:[^:]+:scheduler:::aws-sdk:rds:(start|stop)DBInstance", target["arn"])
            if call and f'"{database.get("identifier")}"' in target["input"]:
                yield schedule.values["schedule_expression"], call[1] == "start"


def _log_group(group: Resource, plan: Plan) -> Charges:
    gb = _a_month(f"logs.{group.values['name'].rpartition('/')[2]}", plan) / 1000
    yield "logs-ingested", gb
    if not group.get("retention_in_days"):
        raise NotInTable(f"{group.address}: keeps its logs for ever; say retention_in_days")
    yield "logs-stored", gb * group.values["retention_in_days"] / DAYS


def _alarm(alarm: Resource, _plan: Plan) -> Charges:
    queries = [query["metric"][0] for query in alarm.get("metric_query", []) if query.get("metric")]
    periods = [query["period"] for query in queries] or [alarm.values["period"]]
    yield "alarm-high-resolution" if min(periods) < 60 else "alarm", Decimal(len(periods))


def _bucket(bucket: Resource, plan: Plan) -> Charges:
    words = re.split(r"[^a-z]+", bucket.get("bucket") or bucket.get("bucket_prefix", ""))
    kinds = [kind for kind in ("lake", "artifacts", "logs") if kind in words]
    if len(kinds) != 1:
        raise NotInTable(f"{bucket.address}: terraform/bill/usage.csv does not say what is kept in such a bucket")
    yield "s3-stored", usage(f"{kinds[0]}.gb")
    yield "s3-writes", _a_month(f"{kinds[0]}.writes", plan) / 1000
    yield "s3-reads", _a_month(f"{kinds[0]}.reads", plan) / 1000


def _secret(_secret: Resource, plan: Plan) -> Charges:
    yield "secret", Decimal(1)
    yield "secret-requests", _a_month("secrets.reads", plan) / 10_000


def _key(key: Resource, plan: Plan) -> Charges:
    # Each of the first two rotations adds the price of a key, for good.
    yield "kms-key", Decimal(3 if key.get("enable_key_rotation") else 1)
    yield "kms-requests", _a_month("keys.requests", plan) / 10_000


def _topic(_topic: Resource, plan: Plan) -> Charges:
    yield "sns-requests", _a_month("alerts.messages", plan) / 1_000_000


def _subscription(subscription: Resource, plan: Plan) -> Charges:
    if subscription.values["protocol"] not in ("email", "email-json"):
        raise NotInTable(f"{subscription.address}: nothing is known of what messages by this protocol cost")
    yield "sns-mails", _a_month("alerts.mails", plan) / 100_000


def _zone(_zone: Resource, plan: Plan) -> Charges:
    yield "zone", Decimal(1)
    yield "zone-queries", _a_month("zone.questions", plan) / 1_000_000


def _nat(_nat: Resource, plan: Plan) -> Charges:
    yield "nat", MONTH
    yield "nat-traffic", _a_month("nat.traffic", plan)


def _endpoint(endpoint: Resource, plan: Plan) -> Charges:
    if endpoint.get("vpc_endpoint_type", "Gateway") == "Gateway":
        return  # those of S3 and DynamoDB are free
    zones = {subnet.get("availability_zone") for subnet in plan.of("aws_subnet")}
    yield "endpoint", MONTH * (len(endpoint.get("subnet_ids", [])) or len(zones))
    yield "endpoint-traffic", _a_month("endpoint.traffic", plan)


def _each(price: str, quantity: Decimal | int = 1) -> Callable[[Resource, Plan], Charges]:
    return lambda _resource, _plan: iter([(price, Decimal(quantity))])


_CHARGED: Final[dict[str, Callable[[Resource, Plan], Charges]]] = {
    "aws_cloudwatch_composite_alarm": _each("alarm-composite"),
    "aws_cloudwatch_dashboard": _each("dashboard"),
    "aws_cloudwatch_log_group": _log_group,
    "aws_cloudwatch_log_metric_filter": _each("metric"),
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_db_instance": _database,
    "aws_ecr_repository": lambda _resource, _plan: iter([("ecr-stored", usage("images.gb"))]),
    "aws_ecs_service": _service,
    "aws_ecs_task_definition": _tasks,
    "aws_eip": _each("public-ipv4", MONTH),
    "aws_kms_key": _key,
    "aws_lb": _load_balancer,
    "aws_nat_gateway": _nat,
    "aws_s3_bucket": _bucket,
    "aws_scheduler_schedule": _each("scheduler", Decimal("0.00003")),
    "aws_secretsmanager_secret": _secret,
    "aws_service_discovery_private_dns_namespace": _zone,
    "aws_sns_topic": _topic,
    "aws_sns_topic_subscription": _subscription,
    "aws_vpc_endpoint": _endpoint,
}

"""Services and one-off tasks of ECS as scripts/deploy.sh sees them, over ECS's own protocol; `ecs_service` has runs."""

import json
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celec_assets_tests.ecs_service import Refused

REGION = "us-east-2"
"""Not us-east-1: there version 1 of awscli asks RDS at AWS's own address, whatever else it is told."""


@dataclass
class Service:
    definition: str
    count: int
    before: str = ""
    """Where it goes back to, when what it was moved to does not become healthy."""
    looks: int = 9
    rolls: bool = False
    """Whether its tasks are of a deployment of their own: a service of which only the number changes begins none."""

    @property
    def settled(self) -> bool:
        return self.looks > 3


@dataclass
class OneOff:
    arn: str
    definition: dict[str, Any]
    container: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    exit_code: int | None = None


class Deployments:
    """ECS as deploy.sh sees it: what Terraform has made is in its state, and what happens to it here.

    Args:
        state: reads Terraform's state.
        run: starts the command of a container with its environment, where it is to be run at all.
    """

    def __init__(
        self,
        folder: Path,
        state: Callable[[], dict[str, Any]],
        run: Callable[[str, list[str], list[str], Path], "subprocess.Popen[bytes] | None"],
    ) -> None:
        self.services: dict[str, Service] = {}
        self.moves: list[tuple[str, str, int]] = []
        self.commands: list[list[str]] = []
        self.broken: set[str] = set()
        self.stuck: set[str] = set()
        """Services whose tasks never run."""
        self.exit_codes: dict[str, int] = {}
        self.target_groups: dict[str, str] = {}
        self.calls: list[str] = []
        self._tasks: dict[str, OneOff] = {}
        self._folder, self._state, self._run = folder, state, run

    def resources(self, kind: str) -> Iterator[dict[str, Any]]:
        for resource in self._state()["resources"]:
            if resource["type"] == kind and resource["mode"] == "managed":
                yield from (instance["attributes"] for instance in resource["instances"])

    def service(self, name: str) -> Service:
        made = next((found for found in self.resources("aws_ecs_service") if found["name"] == name), None)
        if made is None:
            self.services.pop(name, None)
            raise Refused("ServiceNotFoundException", "Service not found.")
        definition = self._state()["outputs"]["service_task_definitions"]["value"][name]
        return self.services.setdefault(name, Service(definition, made["desired_count"] or 0))

    def DescribeServices(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"services": [self._described(name) for name in asked["services"]], "failures": []}

    def _described(self, name: str) -> dict[str, Any]:
        service = self.service(name)
        service.looks += name not in self.stuck or service.count == 0
        settled = service.settled
        if settled and service.before:  # the circuit breaker
            service.definition, service.before = service.before, ""
        deployment = {
            "status": "PRIMARY",
            "taskDefinition": service.definition,
            "desiredCount": service.count,
            "runningCount": service.count if settled else 0,
            "rolloutState": "IN_PROGRESS" if service.rolls and not settled else "COMPLETED",
        }
        groups = [{"targetGroupArn": self.target_groups[name]}] if name in self.target_groups else []
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": [f"sg-{name}"]}}
        return {
            "serviceName": name,
            "taskDefinition": service.definition,
            "desiredCount": service.count,
            "runningCount": deployment["runningCount"],
            "deployments": [deployment],
            "events": [{"message": f"(service {name}) deployment circuit breaker: rolling back"}],
            "loadBalancers": groups,
            "networkConfiguration": network,
        }

    def UpdateService(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = asked["service"]
        service = self.service(name)
        definition, count = asked.get("taskDefinition", service.definition), asked["desiredCount"]
        self._definition(definition)
        if name in self.broken and definition != service.definition:
            service.before = service.definition
            self.broken.remove(name)
        service.rolls = definition != service.definition
        service.definition, service.count, service.looks = definition, count, 0
        self.moves.append((name, definition, count))
        return {"service": self._described(name)}

    def _definition(self, arn: str) -> dict[str, Any]:
        """As Terraform has made it; earlier revisions stay active."""
        family = re.sub(r":\w{1,7}$", "", arn)
        found = next((made for made in self.resources("aws_ecs_task_definition") if made["arn"] == family), None)
        if found is None:
            raise Refused("ClientException", f"TaskDefinition {arn} not found.")
        return found

    def DescribeTaskDefinition(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        made = self._definition(asked["taskDefinition"])
        containers = json.loads(made["container_definitions"])
        return {"taskDefinition": {"taskDefinitionArn": made["arn"], "containerDefinitions": containers}}

    def RunTask(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        made = self._definition(asked["taskDefinition"])
        if not re.fullmatch(r"[A-Za-z0-9/_-]{1,128}", asked["startedBy"]):
            raise Refused("InvalidParameterException", "startedBy: letters, digits, hyphens, slashes and underscores.")
        assert asked["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
        containers = {each["name"]: each for each in json.loads(made["container_definitions"])}
        overrides = asked.get("overrides", {}).get("containerOverrides", [])
        container = containers[overrides[0]["name"]] if overrides else next(iter(containers.values()))
        command = overrides[0]["command"] if overrides else container["command"]
        names = [told["name"] for told in [*container["environment"], *container.get("secrets", ())]]
        self.commands.append(command)
        arn = f"arn:aws:ecs:{REGION}:123456789012:task/celec-staging/{uuid.uuid4().hex}"
        task = OneOff(arn, container, container["name"], self._folder / f"{arn.rpartition('/')[2]}.log")
        task.log.write_text("")
        if container["name"] == "webserver" and not all(service.settled for service in self.services.values()):
            task.log.write_text("no daemon, or no code location, is there for the run\n")
            task.exit_code = 1
        elif container["name"] in self.exit_codes:
            task.log.write_text("it did not work\n")
            task.exit_code = self.exit_codes.pop(container["name"])
        else:
            task.process = self._run(container["name"], command, names, task.log)
            task.exit_code = None if task.process else 0
        self._tasks[arn] = task
        return {"tasks": [{"taskArn": arn}], "failures": []}

    def DescribeTasks(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"tasks": [self._shown(self._tasks[arn]) for arn in asked["tasks"]], "failures": []}

    def _shown(self, task: OneOff) -> dict[str, Any]:
        if task.process and task.exit_code is None:
            task.exit_code = task.process.poll()
        if task.exit_code is None:
            return {"taskArn": task.arn, "lastStatus": "RUNNING", "containers": [{"name": task.container}]}
        ended = {"name": task.container, "exitCode": task.exit_code}
        reason = "Essential container in task exited"
        return {"taskArn": task.arn, "lastStatus": "STOPPED", "stoppedReason": reason, "containers": [ended]}

    def GetLogEvents(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        prefix, container, task_id = asked["logStreamName"].split("/")
        task = next(task for arn, task in self._tasks.items() if arn.endswith(task_id))
        options = task.definition["logConfiguration"]["options"]
        told = (options["awslogs-group"], options["awslogs-stream-prefix"], task.container)
        if (asked["logGroupName"], prefix, container) != told:
            raise Refused("ResourceNotFoundException", "The specified log stream does not exist.")
        return {"events": [{"message": line} for line in task.log.read_text(errors="replace").splitlines()]}

    def ListTasks(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        arns = [arn for arn, task in self._tasks.items() if self._shown(task)["lastStatus"] != "STOPPED"]
        return {"taskArns": [] if "serviceName" in asked else arns}

    def StopTask(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"task": {"taskArn": asked["task"]}}

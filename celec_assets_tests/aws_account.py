"""An AWS account on this machine, for scripts/deploy.sh: what emulators have is theirs, the rest is played here.

Terraform runs against the stand-in for AWS's provider, with its state, and the state's lock, in moto's S3. STS, RDS, the
load balancer's health and ECR's login are moto's. Images go to a registry. The deployment of services in ECS is played by
`Deployments`, over ECS's own protocol: no emulator has it. Its database task is really run, against PostgreSQL.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from celec_assets_tests.ecs_service import Refused, serve
from celec_assets_tests.postgres_server import free_port
from celec_assets_tests.s3_server import ENVIRONMENT, s3_server

ROOT = Path(__file__).parents[1]
STUB = Path(__file__).parents[2] / "shared" / "tools" / "tfcheck" / "tfstub.py"
REGION = "us-east-2"
"""Not us-east-1: there version 1 of awscli asks RDS at AWS's own address, whatever else it is told."""

STATE_BUCKET = f"celec-terraform-123456789012-{REGION}"
PORTS = {"webserver": 3000, "pages": 5000}
# Seconds instead of minutes for a gigabyte; that the real one builds and runs is proved by test_containers.py. Nothing is
# run in it, so it is built for the real platform.
DOCKERFILE = "FROM scratch AS runtime\nCOPY celec_assets /opt/celec/celec_assets\n"
# That a task definition which changes becomes a new revision is no part of the provider's schema, so that the stand-in
# does not know it.
REVISIONS = """
output "service_task_definitions" {
  value = { for name, arn in module.platform.service_task_definitions : name => "${arn}:${substr(var.image_tag, 0, 7)}" }
}
"""
TFVARS = """
allowed_cidrs = ["203.0.113.0/24"]
alert_emails  = ["operations@example.com"]
"""


@dataclass
class Service:
    definition: str
    count: int
    before: str = ""
    """Where it goes back to, when what it was moved to does not become healthy."""
    looks: int = 0


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
        return self.services.setdefault(name, Service(f"{made['task_definition']}:1", made["desired_count"] or 0))

    def DescribeServices(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"services": [self._described(name) for name in asked["services"]], "failures": []}

    def _described(self, name: str) -> dict[str, Any]:
        service = self.service(name)
        service.looks += 1
        settled = service.looks > 2
        if settled and service.before:  # the circuit breaker
            service.definition, service.before = service.before, ""
        deployment = {
            "status": "PRIMARY",
            "taskDefinition": service.definition,
            "desiredCount": service.count,
            "runningCount": service.count if settled else 0,
            "rolloutState": "COMPLETED" if settled else "IN_PROGRESS",
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
        if container["name"] in self.exit_codes:
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


@dataclass
class Account:
    """The account, and a clone of the project from which it is deployed to."""

    clone: Path
    environment: dict[str, str]
    moto: str
    registry: str
    ecs: Deployments
    asked: list[str] = field(default_factory=list)
    """Paths that were asked of the pages."""

    def client(self, service: str) -> Any:
        import boto3

        session = boto3.session.Session("nobody", "no-secret", region_name=REGION)
        return session.client(service, endpoint_url=self.moto)

    def state(self, environment: str = "staging") -> dict[str, Any]:
        """Terraform's, as it lies in the bucket."""
        s3 = self.client("s3")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=STATE_BUCKET).get("Contents", ())]
        if f"{environment}.tfstate" not in keys:
            return {"resources": []}
        told: dict[str, Any] = json.load(s3.get_object(Bucket=STATE_BUCKET, Key=f"{environment}.tfstate")["Body"])
        return told

    def deploy(self, *options: str, answer: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """scripts/deploy.sh, as a person types it."""
        command = [sys.executable, str(STUB), "scripts/deploy.sh", "-r", REGION, *options]
        return subprocess.run(
            command, cwd=self.clone, env={**self.environment, **environment}, input=answer, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900, check=False,
        )  # fmt: skip

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.clone, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, name: str, content: str) -> str:
        """A change, committed. Returns the commit."""
        (self.clone / name).write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"Change {name}")
        return self.git("rev-parse", "HEAD")

    def platforms(self) -> dict[str, str]:
        """What each image in the registry is for, by its tag."""

        def ask(path: str) -> dict[str, Any]:
            accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
            request = urllib.request.Request(f"http://{self.registry}/v2/celec/{path}", headers=accept)
            with urllib.request.urlopen(request, timeout=10) as answer:
                told: dict[str, Any] = json.load(answer)
                return told

        configs = {tag: ask(f"blobs/{ask(f'manifests/{tag}')['config']['digest']}") for tag in ask("tags/list")["tags"]}
        return {tag: f"{config['os']}/{config['architecture']}" for tag, config in configs.items()}


def clone_of_the_tree(into: Path, registry: str, pages: str) -> None:
    """The project as it lies here, committed or not, with the addresses that only this account has."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, into / name
        if not source.exists() and not source.is_symlink():
            continue  # deleted, and not yet committed
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    (into / "Dockerfile").write_text(DOCKERFILE)
    environment = into / "terraform/environments/staging"
    (environment / "terraform.tfvars").write_text(TFVARS)
    shutil.copy2(environment / "terraform.tfvars", into / "terraform/environments/prod/terraform.tfvars")
    urls = "\n".join(f'      {name} = "{pages}"' for name in ("report", "dagster", "mlflow"))
    (environment / "loopback_override.tf").write_text(
        f'output "ecr_repository_url" {{\n  value = "{registry}/celec"\n}}\n'
        f'output "connection_info" {{\n  value = {{\n    urls = {{\n{urls}\n    }}\n  }}\n}}\n'
        f"{REVISIONS}"
    )


@contextmanager
def docker_registry(program: str, folder: Path) -> Iterator[str]:
    """Debian's docker-registry on a free port: its address."""
    address = f"127.0.0.1:{free_port()}"
    storage = {"filesystem": {"rootdirectory": str(folder / "images")}}
    (folder / "registry.yml").write_text(json.dumps({"version": 0.1, "storage": storage, "http": {"addr": address}}))
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "registry.yml")], stdout=log, stderr=log)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def pages(asked: list[str]) -> Iterator[str]:
    """What stands behind the load balancer, as far as anybody asks here: its origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path in ("/server_info", "/health") else 404)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def aws_account(folder: Path, programs: Mapping[str, str], values: Mapping[str, str]) -> Iterator[Account]:
    """The account, empty but for the bucket of the state, a database and a load balancer.

    Args:
        programs: where `aws` and `docker-registry` are.
        values: of the database task's environment, as they are on this machine.
    """
    clone, tasks, docker = folder / "clone", folder / "tasks", folder / "docker"
    for made in (clone, tasks, docker):
        made.mkdir()
    asked: list[str] = []

    def run(container: str, command: list[str], names: list[str], log: Path) -> "subprocess.Popen[bytes] | None":
        if container != "database":
            return None
        # Only what Terraform gives the task, with this machine's values.
        environment = {name: values[name] for name in names if name in values} | {"PATH": os.environ["PATH"]}
        program = [sys.executable, "-m", "celec_assets.cli", *command[1:]]
        with log.open("wb") as output:
            return subprocess.Popen(program, cwd=ROOT, env=environment, stdout=output, stderr=output)

    with (
        s3_server() as moto,
        docker_registry(programs["docker-registry"], folder) as registry,
        pages(asked) as origin,
    ):
        ecs = Deployments(tasks, lambda: account.state(), run)
        with serve(ecs) as ecs_url:
            clone_of_the_tree(clone, registry, origin)
            kept = {
                name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_", "DOCKER_"))
            }
            environment = {
                **kept,
                **ENVIRONMENT,
                "PATH": f"{Path(programs['aws']).parent}:{os.environ['PATH']}",
                "AWS_ENDPOINT_URL": moto,
                "AWS_ENDPOINT_URL_S3": moto,
                "AWS_ENDPOINT_URL_STS": moto,
                "AWS_ENDPOINT_URL_ECS": ecs_url,
                "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": ecs_url,
                "TF_CLI_CONFIG_FILE": os.devnull,
                "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
                "DOCKER_CONFIG": str(docker),
                "POLL_SECONDS": "0.5",
            }
            account = Account(clone, environment, moto, registry, ecs, asked)
            account.git("init", "--quiet", "--initial-branch=main")
            account.git("add", "--all")
            account.git("commit", "--quiet", "--message", "As it is here")
            place = {"LocationConstraint": REGION}
            account.client("s3").create_bucket(Bucket=STATE_BUCKET, CreateBucketConfiguration=place)
            furnish(account)
            yield account


def furnish(account: Account) -> None:
    """What the stand-in provider only claims to have made, and deploy.sh asks AWS about."""
    account.client("rds").create_db_instance(
        DBInstanceIdentifier="celec-staging", Engine="postgres", DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20, MasterUsername="postgres", MasterUserPassword="of the emulator",
    )  # fmt: skip
    balancing = account.client("elbv2")
    vpc = account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    for name, port in PORTS.items():
        made = balancing.create_target_group(Name=name, Protocol="HTTP", Port=port, VpcId=vpc, TargetType="ip")
        arn = made["TargetGroups"][0]["TargetGroupArn"]
        balancing.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.0.1", "Port": port}])
        account.ecs.target_groups[name] = arn

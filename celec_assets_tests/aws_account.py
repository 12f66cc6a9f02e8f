"""An AWS account on this machine, for scripts/deploy.sh: what emulators have is theirs, the rest is played here.

Terraform runs against the stand-in for AWS's provider, with its state, and the state's lock, in moto's S3. STS, RDS, the
load balancer's health and ECR's login are moto's. Images go to a registry. The deployment of services in ECS is played by
`Deployments`, over ECS's own protocol: no emulator has it. Its database task is really run, against PostgreSQL.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from celec_assets_tests.ecs_deployments import REGION, Deployments
from celec_assets_tests.ecs_service import serve
from celec_assets_tests.postgres_server import free_port
from celec_assets_tests.s3_server import ENVIRONMENT, s3_server

ROOT = Path(__file__).parents[1]
STUB = Path(__file__).parents[2] / "shared" / "tools" / "tfcheck" / "tfstub.py"
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
        command = ["git", *identity, "-c", "commit.gpgsign=false", *arguments]
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

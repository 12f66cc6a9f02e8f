"""ECS on this machine: the calls that `EcsRunLauncher` makes, over ECS's own protocol, and tasks that are really run.

A task is a process with the recorded command, the environment of the task definition and of the overrides, and nothing
of this process's own. It goes through ECS's states and ends as ECS says it: by its exit code, by a signal, by using
more memory than it has (its size is watched, and it is killed, as the kernel does in a container), or by StopTask. What
a machine alone cannot do is played on request, by a `Fate`: a task that never starts, a region without capacity, an
image that is not there. Arguments that Fargate refuses are refused. Every answer is checked against botocore's model.
"""

import json
import os
import signal
import subprocess
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ACCOUNT = "arn:aws:ecs:us-east-1:123456789012"
CLUSTER = f"{ACCOUNT}:cluster/celec"
DEFINITION = f"{ACCOUNT}:task-definition/celec-run:1"
LOG_GROUP = "/celec/runs"
NETWORK = {
    "awsvpcConfiguration": {
        "subnets": ["subnet-0123456789abcdef0"],
        "securityGroups": ["sg-0123456789abcdef0"],
        "assignPublicIp": "DISABLED",
    }
}

GIB = 1024
FARGATE_MEMORY = {
    256: {512, GIB, 2 * GIB},
    512: set(range(GIB, 4 * GIB + 1, GIB)),
    1024: set(range(2 * GIB, 8 * GIB + 1, GIB)),
    2048: set(range(4 * GIB, 16 * GIB + 1, GIB)),
    4096: set(range(8 * GIB, 30 * GIB + 1, GIB)),
}
"""MiB that go with CPU units."""


class Fate(Enum):
    """What happens to the next task instead of running."""

    NEVER_STARTS = "stays where it is until it is stopped, or released"
    NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
    NO_SPOT = "the same, but on Spot alone: only a task that is asked for there meets it"
    NO_IMAGE = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/celec:gone: not found"
    )


class Refused(Exception):
    """What ECS answers with an error: its type and its message."""


@dataclass
class Task:
    arn: str
    run_id: str
    asked: dict[str, Any]
    log: Path
    cpu: int
    memory_mib: int
    provider: str
    """FARGATE_SPOT or FARGATE."""
    status: str = "PROVISIONING"
    stop_code: str = ""
    stopped_reason: str = ""
    container_reason: str = ""
    exit_code: int | None = None
    process: "subprocess.Popen[bytes] | None" = None
    stop_asked: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def pid(self) -> int:
        assert self.process, "the task has not started"
        return self.process.pid

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def memory_used_mib(self) -> float:
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def described(self) -> dict[str, Any]:
        container = {
            "name": "run",
            "taskArn": self.arn,
            "lastStatus": self.status if self.status in ("RUNNING", "STOPPED") else "PENDING",
        }
        task = {
            "taskArn": self.arn,
            "clusterArn": CLUSTER,
            "taskDefinitionArn": DEFINITION,
            "lastStatus": self.status,
            "desiredStatus": "STOPPED" if self.stop_code else "RUNNING",
            "cpu": str(self.cpu),
            "memory": str(self.memory_mib),
            "capacityProviderName": self.provider,
            "containers": [container],
        }
        if self.stop_code:
            task |= {"stopCode": self.stop_code, "stoppedReason": self.stopped_reason}
        if self.status == "STOPPED":
            container |= {"reason": self.container_reason} if self.container_reason else {}
            container |= {} if self.exit_code is None else {"exitCode": self.exit_code}
        return task


class Ecs:
    """The service. `fates` are used up, one by each task that is asked for a run of that job."""

    stop_timeout_s = 20.0
    state_s = 0.1
    """How long a task stays in each state on its way."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.environment = environment
        self.fates: defaultdict[str, deque[Fate]] = defaultdict(deque)
        self.calls: list[str] = []
        self.tasks: dict[str, Task] = {}
        self.url = ""
        self._folder = folder
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def of_run(self, run_id: str) -> Task:
        return next(task for task in reversed(self.tasks.values()) if task.run_id == run_id)

    def take_back(self, task: Task) -> None:
        """What becomes of a task on Spot when AWS needs the room."""
        assert task.provider == "FARGATE_SPOT"
        task.stop_code, task.stopped_reason = "SpotInterruption", "Your Spot Task was interrupted."
        task.stop_asked.set()

    def stop(self) -> None:
        for task in list(self.tasks.values()):
            task.stop_asked.set()
            if task.process:
                task.signal(signal.SIGKILL)
        for thread in self._threads:
            thread.join()

    # The calls, by the names that clients ask for.

    def DescribeTaskDefinition(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if asked["taskDefinition"] not in (DEFINITION, "celec-run", "celec-run:1"):
            raise Refused("ClientException", "Unable to describe task definition.")
        logs = {"awslogs-group": LOG_GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"}
        container = {
            "name": "run",
            "image": "celec:tests",
            "environment": [{"name": name, "value": value} for name, value in self.environment.items()],
            "logConfiguration": {"logDriver": "awslogs", "options": logs},
        }
        return {
            "taskDefinition": {
                "taskDefinitionArn": DEFINITION,
                "family": "celec-run",
                "revision": 1,
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                "cpu": "512",
                "memory": "1024",
                "containerDefinitions": [container],
            }
        }

    def RunTask(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        overrides = asked.get("overrides", {})
        providers = [item["capacityProvider"] for item in asked.get("capacityProviderStrategy", [])]
        if ("launchType" in asked) == bool(providers):
            raise Refused("InvalidParameterException", "Specify either a launch type or a capacity provider strategy.")
        provider = providers[0] if providers else asked["launchType"]
        if provider not in ("FARGATE", "FARGATE_SPOT"):
            raise Refused("InvalidParameterException", "The specified capacity provider was not found.")
        if asked["taskDefinition"] != DEFINITION or asked.get("cluster") not in (CLUSTER, "celec"):
            raise Refused("ClientException", "TaskDefinition or cluster not found.")
        if asked.get("networkConfiguration") != NETWORK:
            raise Refused("InvalidParameterException", "Network Configuration must be provided for 'awsvpc'.")
        if len(json.dumps(overrides)) > 8192:
            raise Refused("InvalidParameterException", "Container Overrides length must be at most 8192")
        cpu, memory = int(overrides.get("cpu", 512)), int(overrides.get("memory", 1024))
        if memory not in FARGATE_MEMORY.get(cpu, ()):
            raise Refused("ClientException", "No Fargate configuration exists for given values.")
        tags = {tag["key"]: tag["value"] for tag in asked["tags"]}
        with self._lock:
            fates = self.fates[tags["dagster/job_name"]]
            spared = bool(fates) and fates[0] is Fate.NO_SPOT and provider != "FARGATE_SPOT"
            fate = fates.popleft() if fates and not spared else None
        if fate in (Fate.NO_CAPACITY, Fate.NO_SPOT):
            return {"tasks": [], "failures": [{"reason": Fate.NO_CAPACITY.value}]}
        arn = f"{ACCOUNT}:task/celec/{uuid.uuid4().hex}"
        log = self._folder / f"{arn.rpartition('/')[2]}.log"
        task = Task(arn, tags["dagster/run_id"], asked, log, cpu, memory, provider)
        task.log.touch()
        self.tasks[arn] = task
        thread = threading.Thread(target=self._live, args=(task, fate))
        self._threads.append(thread)
        thread.start()
        return {"tasks": [task.described()], "failures": []}

    def DescribeTasks(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        known = [arn for arn in asked["tasks"] if arn in self.tasks]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in asked["tasks"] if arn not in self.tasks]
        return {"tasks": [self.tasks[arn].described() for arn in known], "failures": missing}

    def StopTask(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        task = self.tasks.get(asked["task"])
        if task is None:
            raise Refused("InvalidParameterException", "The referenced task was not found.")
        if not task.stop_code:
            task.stop_code, task.stopped_reason = "UserInitiated", asked.get("reason", "Task stopped by user")
            task.stop_asked.set()
        return {"task": task.described()}

    def GetLogEvents(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        prefix, container, task_id = asked["logStreamName"].split("/")
        if (asked["logGroupName"], prefix, container) != (LOG_GROUP, "run", "run"):
            raise Refused("ResourceNotFoundException", "The specified log stream does not exist.")
        lines = self.tasks[f"{ACCOUNT}:task/celec/{task_id}"].log.read_text(errors="replace").splitlines()
        return {"events": [{"message": line} for line in lines[-asked.get("limit", 10_000) :]]}

    # The life of a task.

    def _live(self, task: Task, fate: Fate | None) -> None:
        task.stop_asked.wait(self.state_s)
        while fate is Fate.NEVER_STARTS and not task.released.wait(self.state_s) and not task.stop_asked.is_set():
            pass
        task.status = "PENDING"
        if fate is Fate.NO_IMAGE:
            task.stop_code, task.stopped_reason = "TaskFailedToStart", fate.value
        elif not task.stop_asked.wait(self.state_s):
            self._run(task)
        task.status = "DEPROVISIONING"
        task.stop_asked.wait(self.state_s)
        task.status = "STOPPED"

    def _run(self, task: Task) -> None:
        container = task.asked["overrides"]["containerOverrides"][0]
        environment = self.environment | {pair["name"]: pair["value"] for pair in container.get("environment", [])}
        with task.log.open("wb") as log:
            command, session = (
                container["command"],
                {"env": environment, "cwd": self._folder, "start_new_session": True},
            )
            try:
                task.process = subprocess.Popen(command, stdout=log, stderr=log, **session)
            except OSError as error:
                task.stop_code, task.stopped_reason = "TaskFailedToStart", f"CannotStartContainerError: {error}"
                return
        task.status = "RUNNING"
        terminated_at = None
        while (code := task.process.poll()) is None:
            if task.stop_asked.is_set() and terminated_at is None:
                terminated_at = time.monotonic()
                task.signal(signal.SIGTERM)
            elif terminated_at and time.monotonic() - terminated_at > self.stop_timeout_s:
                task.signal(signal.SIGKILL)
            elif task.memory_used_mib() > task.memory_mib:
                task.container_reason = "OutOfMemoryError: Container killed due to memory usage"
                task.signal(signal.SIGKILL)
            time.sleep(0.02)
        task.exit_code = code if code >= 0 else 128 - code
        if not task.stop_code:
            task.stop_code, task.stopped_reason = "EssentialContainerExited", "Essential container in task exited"


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        target, _, call = self.headers["X-Amz-Target"].partition(".")
        self.server.ecs.calls.append(call)
        try:
            answer = getattr(self.server.ecs, call)(asked)
            check_answer("logs" if target.startswith("Logs") else "ecs", call, answer)
            self._reply(200, answer)
        except Refused as refused:
            kind, message = refused.args
            self._reply(400, {"__type": kind, "message": message})

    def _reply(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def check_answer(service: str, call: str, answer: dict[str, Any]) -> None:
    """Raises when AWS could not have answered so."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model(service)
    report = ParamValidator().validate(answer, model.operation_model(call).output_shape)
    assert not report.has_errors(), report.generate_report()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    ecs: Any


@contextmanager
def serve(ecs: Any) -> Iterator[str]:
    """The URL of a service whose calls are methods of this object, which keeps their names in `calls`."""
    with _Server(("127.0.0.1", 0), _Exchange) as server:
        server.ecs = ecs
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def ecs_service(folder: Path) -> Iterator[Ecs]:
    """The service, while it runs. Tasks that are still there at the end are killed."""
    ecs = Ecs(folder, {})
    try:
        with serve(ecs) as ecs.url:
            yield ecs
    finally:
        ecs.stop()

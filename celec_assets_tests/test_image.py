"""The image by itself: what is in it, its self-test, and a model that is trained in it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from celec_assets_tests.compose_stack import IMAGE, LAST_DAY, ROOT, docker, raw_files, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no image can be built")]

DEPLOYMENT = (ROOT / "docs/deployment.md").read_text("utf-8")


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    docker("build", "--tag", IMAGE, str(ROOT), timeout=1500)


def test_the_image_is_small_and_holds_neither_tests_nor_tools_nor_secrets() -> None:
    told = json.loads(docker("image", "inspect", IMAGE).stdout)[0]
    assert told["Size"] < 1.2e9
    assert told["Config"]["User"] == "10001"
    assert told["Config"]["Entrypoint"] is None  # ECS and Compose say what is to be run
    assert not [e for e in told["Config"]["Env"] if re.search("PASSWORD|SECRET|KEY|TOKEN", e)]
    look = "import shutil, importlib.util as u; print([t for t in ('gcc', 'make') if shutil.which(t)], \
        [m for m in ('pip', 'pytest', 'moto', 'celec_assets_tests') if u.find_spec(m)])"
    assert docker("run", "--rm", IMAGE, "python", "-c", look).stdout.split() == ["[]", "[]"]
    found = docker("run", "--rm", IMAGE, "find", "/opt/celec", "/data", "/run/secrets", "-type", "f").stdout
    assert not re.search(r"\.env|\.git/|_tests|\.pem", found)


def test_the_image_tests_itself_as_any_user_with_a_read_only_file_system(tmp_path: Path) -> None:
    hard = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", "4321:4321")
    tmp_path.chmod(0o777)
    well = docker("run", "--rm", *hard, "-v", f"{tmp_path}:/data", IMAGE, "celec", "doctor")
    assert well.stdout.count("passed") == 6
    ill = docker("run", "--rm", *hard, IMAGE, "celec", "doctor", check=False)
    assert ill.returncode == 1
    assert re.search(r"lake +│ failed +│.*Read-only file system", ill.stdout)
    assert re.search(r"Stan +│ passed", ill.stdout)


def test_a_model_is_trained_in_the_image_on_a_mounted_folder(tmp_path: Path) -> None:
    raw = next(content for name, content in raw_files(LAST_DAY).items() if "ccs" in name)
    (tmp_path / "my-raw-files").mkdir()
    (tmp_path / "my-raw-files/ccs_caudales_diarios.csv").write_bytes(raw)
    commands = re.findall(r"^docker run .* celec (?:doctor|demo).*$", DEPLOYMENT, re.M)
    assert len(commands) == 2
    for command in commands:
        line = command.replace("$PWD", str(tmp_path)).replace(" celec:local ", f" {IMAGE} ")
        done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert "doctor" not in command or done.stderr == ""
    assert (tmp_path / f"lake/flow_forecast/coca/issued/{LAST_DAY}.parquet").is_file()

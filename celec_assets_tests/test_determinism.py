"""The same input gives the same bytes on another machine: one whose processor has fewer instructions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

OLD_PROCESSOR = {
    "NPY_DISABLE_CPU_FEATURES": " ".join(
        name
        for name in subprocess.run(
            [
                sys.executable,
                "-c",
                "import numpy._core._multiarray_umath as u; print(*(n for n in u.__cpu_dispatch__ if u.__cpu_features__.get(n)))",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    ),
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENBLAS_NUM_THREADS": "1",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-FMA",
}


def lake(folder: Path, **environment: str) -> dict[str, bytes]:
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-m", "benchmarks.pipeline", "platform", str(folder)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=300,
    )
    made = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".parquet", ".json")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in made}


def test_another_processor_writes_the_same_lake(tmp_path: Path) -> None:
    here, there = lake(tmp_path / "here"), lake(tmp_path / "there", **OLD_PROCESSOR)
    assert len(here) > 400
    assert sorted(here) == sorted(there)
    assert [key for key in here if here[key] != there[key]] == []

"""`python -m bench` succeeds when all of its benchmarks did."""

import sys
from pathlib import Path

import pytest

from bench.__main__ import run_all

FINE, FAILED, KILLED = "pass", "raise SystemExit(2)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize(("codes", "code"), [([FINE], 0), ([FAILED, FINE], 1), ([KILLED, FINE], 1), ([KILLED], 1)])
def test_a_benchmark_that_failed_or_was_killed_fails_the_whole(codes: list[str], code: int, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    last = [sys.executable, "-c", f"open({str(ran)!r}, 'w')"]
    assert run_all([*([sys.executable, "-c", one] for one in codes), last]) == code
    assert ran.exists()

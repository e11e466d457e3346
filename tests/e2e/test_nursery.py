"""What a forked worker has started does not outlive it."""

import os
from pathlib import Path

import psutil
import pytest

from sandbox.processes import has_ended
from tests.e2e.nursery import FORKS, Nursery
from tests.e2e.stage import eventually

LEAVES_A_FAMILY = """
import socket
import subprocess
import sys
import time

from tests.e2e import nursery


def main() -> int:
    family = ["sh", "-c", "sleep 1000 & echo $! $$; wait"]
    subprocess.Popen(family, start_new_session=True)
    time.sleep(1000)
    return 0


nursery.worker.main = main
nursery.serve(socket.socket(fileno=int(sys.argv[1])))
"""


@pytest.mark.skipif(not FORKS, reason="workers are forked on Linux alone")
async def test_children_of_a_killed_worker_end_by_force_and_those_of_another_do_not(tmp_path: Path) -> None:
    nursery = Nursery("-c", LEAVES_A_FAMILY)
    families = []
    for name in ("killed", "spared"):
        log = tmp_path / f"{name}.log"
        forked = nursery.begin(log, os.environ)

        async def has_told(log: Path = log) -> bool:
            return log.read_text().endswith("\n")

        await eventually(has_told)
        families.append((forked, [psutil.Process(int(pid)) for pid in log.read_text().split()]))
    (killed, left), (spared, kept) = families
    os.kill(killed.pid, 9)

    async def are_gone() -> bool:
        return killed.poll() == -9 and all(map(has_ended, left))

    await eventually(are_gone)
    assert spared.poll() is None
    assert not any(map(has_ended, kept))
    os.kill(spared.pid, 9)

    async def are_gone_too() -> bool:
        return spared.poll() == -9 and all(map(has_ended, kept))

    await eventually(are_gone_too)

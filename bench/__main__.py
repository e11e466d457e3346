"""`python -m bench`: every benchmark, one after the other, each in a process of its own."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BENCHMARKS = (
    "api",
    "breaker",
    "compose",
    "dashboard",
    "edition",
    "fleet",
    "monitor",
    "onlookers",
    "recording",
    "replay",
    "statistics",
    "watching",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", default=BENCHMARKS, metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {unknown.pop()}")
    return run_all([[sys.executable, "-m", f"bench.{name}"] for name in options.names])


def run_all(commands: Sequence[Sequence[str]]) -> int:
    """1 when one of them failed or was killed (a negative code: the signal); all are run, whatever becomes of one."""
    root = Path(__file__).parents[1]
    codes = [subprocess.run(command, check=False, cwd=root).returncode for command in commands]
    return int(any(code != 0 for code in codes))


if __name__ == "__main__":
    sys.exit(main())

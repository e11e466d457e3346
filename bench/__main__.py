"""`python -m bench`: every benchmark, one after the other, each in a process of its own."""

import argparse
import subprocess
import sys
from pathlib import Path

BENCHMARKS = ("breaker", "compose", "edition", "replay")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", default=BENCHMARKS, metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {unknown.pop()}")
    root = Path(__file__).parents[1]
    commands = [[sys.executable, "-m", f"bench.{name}"] for name in options.names]
    return max(subprocess.run(command, check=False, cwd=root).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.replay.fingerprint [--accept [--unversioned]]`: checks the workflows, or accepts what they are."""

import argparse
import sys

from tests.replay.fingerprint.baseline import Change, Outlines, read_baseline, write_baseline
from tests.replay.fingerprint.message import message
from workflows.registry import WORKFLOWS

UNSAFE = (Change.UNVERSIONED, Change.GONE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replay.fingerprint", description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="make the commands as they are now the baseline")
    parser.add_argument(
        "--unversioned", action="store_true", help="accept changes too that no open run of the old code would survive"
    )
    options = parser.parse_args()
    outlines = Outlines(WORKFLOWS)
    found = outlines.compare(read_baseline())
    blocking = [
        finding
        for finding in found
        if not options.accept
        or finding.change is Change.UNSEEN
        or (finding.change in UNSAFE and not options.unversioned)
    ]
    if blocking:
        print(message(blocking), file=sys.stderr)
        return 1
    if options.accept:
        write_baseline(outlines.fingerprints())
    accepted = ", ".join(f"{finding.name} ({finding.change.value})" for finding in found)
    print(f"accepted: {accepted}" if found else "the workflows' commands are as the baseline has them")
    return 0


if __name__ == "__main__":
    sys.exit(main())

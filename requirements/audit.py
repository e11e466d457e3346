"""`make audit`: asks OSV (https://osv.dev) whether anything that is locked here has a known vulnerability.

Not a part of `make check`: what was fine yesterday may not be today, and no network must break no build. Exits with 0
when nothing is known, 1 when something is, 2 when OSV could not be asked: then nobody knows.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCKED = ("worker.txt", "dev.txt")
"""What is deployed; what is only worked with."""
OSV = "https://api.osv.dev/v1/query"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osv-url", default=OSV)
    options = parser.parse_args()
    return max(audit(Path(__file__).with_name(name), options.osv_url) for name in LOCKED)


def audit(locked: Path, osv_url: str) -> int:
    """Says what is known of one file's packages, and gives the exit code."""
    packages = _asked(locked, osv_url)
    if packages is None or any("skip_reason" in package for package in packages):
        print(f"{locked.name}: {osv_url} could not be asked, or not about everything: nobody knows")
        return 2
    known = [package for package in packages if package["vulns"]]
    for package in known:
        for one in package["vulns"]:
            cure = f"; fixed in {', '.join(one['fix_versions'])}" if one["fix_versions"] else "; no fix yet"
            names = ", ".join([one["id"], *one["aliases"]])
            print(f"{locked.name}: {package['name']} {package['version']}: {names}{cure}")
    print(f"{locked.name}: {len(packages)} packages, {len(known)} with known vulnerabilities")
    return int(bool(known))


def _asked(locked: Path, osv_url: str) -> list[dict[str, Any]] | None:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", str(locked)]
    command += ["--vulnerability-service", "osv", "--osv-url", osv_url, "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):  # it ends with a traceback, and prints nothing, where it gets no answer
        return None
    return packages


if __name__ == "__main__":
    sys.exit(main())

"""`python -m dashboard`: serves the pages until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from dashboard.server import CANNOT_START, serve


def main() -> int:
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(serve())
    except CANNOT_START as error:
        sys.stderr.write(f"the dashboard cannot start:\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

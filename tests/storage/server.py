"""What the tests of storage do to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from sandbox.postgres import PostgresServer


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """The server keeps its sockets open and answers nothing."""
    first = psutil.Process(server.pid)
    processes = [first, *first.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()

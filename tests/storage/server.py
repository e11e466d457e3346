"""The sandbox's PostgreSQL, with what the tests of storage do to it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
from psycopg import sql

from sandbox.postgres import PostgresServer


def new_database(server: PostgresServer, name: str, template: str = "template1") -> str:
    """The URL of a database of its own. `template` is copied: faster than migrating each."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return server.url(name)


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

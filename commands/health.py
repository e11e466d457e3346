"""`health`: how healthy the whole and each service is, with the reasons; it needs no worker."""

from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text
from temporalio.client import Client

from commands.console import AsJson, Exit, command, emit, output, print_whole, progress
from commands.on_record import database_on_record
from devsync.domain.health.bands import Band, Health
from devsync.domain.health.snapshot import Machine
from devsync.runtime.connection import NamespaceUnusable, TemporalUnreachable, connect
from devsync.runtime.health import check_health
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment

EXITS: Final = {
    Band.HEALTHY: Exit.OK,
    Band.DEGRADED: Exit.DEGRADED,
    Band.UNHEALTHY: Exit.UNHEALTHY,
    Band.CRITICAL: Exit.CRITICAL,
    Band.UNKNOWN: Exit.CANNOT_TELL,
}


@command
async def health(as_json: AsJson = False) -> Exit:
    """Tell how healthy everything is, by the records, the breakers and the editions that should be there.

    The exit code is the band: 0 healthy, 10 degraded, 11 unhealthy, 12 critical, 13 cannot tell.
    """
    configuration = load_configuration(read_environment().config_dir)
    async with database_on_record() as database:
        found = await check_health(database, await _client(), configuration, datetime.now(UTC))
    if as_json:
        emit(document(found))
    else:
        _print(found)
    return EXITS[found.band]


async def _client() -> Client | None:
    try:
        return await connect()
    except (TemporalUnreachable, NamespaceUnusable) as error:
        progress.print(str(error), markup=False, soft_wrap=True)
        return None


def document(health: Health) -> dict[str, Any]:
    """What `--json` prints."""
    return health.model_dump(mode="json")


def _print(health: Health) -> None:
    output().print(Text.assemble((health.band.value, "bold"), f" at {health.at:%Y-%m-%d %H:%M:%S} UTC"))
    for reason in health.reasons:
        output().print(Text(f"  {reason}"), soft_wrap=True)
    if health.services:
        table = Table("service", "band", "breaker", "attempts", "failed", "why", box=None, pad_edge=False)
        for one in health.services:
            breaker = one.breaker.value if one.breaker else ""
            cells = (one.service, one.band.value, breaker, str(one.attempts), str(one.failures), one.reasons[0])
            table.add_row(*map(Text, cells))
        output().print()
        print_whole(table)
    if measured := _measured(health.machine):
        output().print(f"\n{measured}")


def _measured(machine: Machine) -> str:
    units = {
        "cpu": (machine.cpu_percent, "%"),
        "memory": (machine.memory_mb, "MB"),
        "disk free": (machine.disk_free_mb, "MB"),
        "database": (machine.database_mb, "MB"),
    }
    return ", ".join(f"{name} {value:.0f} {unit}" for name, (value, unit) in units.items() if value is not None)

"""Entry of the command line: registers commands/, nothing else."""

if __name__ == "__main__":
    import devsync.runtime.quiet_imports  # noqa: F401 (first, for its effect)

import os
import sys

import typer

from commands import (
    alerts,
    audit,
    breaker,
    config,
    dashboard,
    db,
    delivery,
    edition,
    errors,
    escalation,
    performance,
    records,
    recovery,
    schedule,
)
from commands.apply import apply
from commands.demo import demo
from commands.doctor import doctor
from commands.forecast import forecast
from commands.health import health
from commands.recommendations import recommendations
from commands.replay import replay
from commands.run import preview, run
from commands.status import status
from commands.up import up
from devsync.runtime.memory import keep_house

app = typer.Typer(
    name="starter.py",
    help="A team's weekly changelog as a durable Temporal workflow.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)
for command in (demo, up, apply, run, preview, status, health, recommendations, forecast, replay, doctor):
    app.command()(command)
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")
app.add_typer(schedule.app, name="schedule")
app.add_typer(edition.app, name="edition")
app.add_typer(delivery.app, name="delivery")
app.add_typer(breaker.app, name="breaker")
app.add_typer(escalation.app, name="escalation")
app.add_typer(alerts.app, name="alerts")
app.add_typer(errors.app, name="errors")
app.add_typer(performance.app, name="performance")
app.add_typer(recovery.app, name="recovery")
app.add_typer(audit.app, name="audit")
app.add_typer(records.app, name="records")
app.add_typer(dashboard.app, name="dashboard")


def main() -> None:
    """Ends the process at once: SDK 1.35 sometimes aborts the interpreter's own exit, and the code would be 134."""
    keep_house()
    try:
        app()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    else:
        code = 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

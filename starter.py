"""Entry of the command line: registers commands/, nothing else."""

import typer

from commands import config, db, schedule
from commands.apply import apply
from commands.demo import demo
from commands.doctor import doctor
from commands.replay import replay
from commands.run import preview, run
from commands.status import status
from commands.up import up

app = typer.Typer(
    name="starter.py",
    help="A team's weekly changelog as a durable Temporal workflow.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)
for command in (demo, up, apply, run, preview, status, replay, doctor):
    app.command()(command)
app.add_typer(config.app, name="config")
app.add_typer(db.app, name="db")
app.add_typer(schedule.app, name="schedule")

if __name__ == "__main__":
    app()

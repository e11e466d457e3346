"""`config validate`: everything that is wrong with config/, at once, with line and cure."""

import typer

from commands.console import AsJson, Exit, command, emit
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment

app = typer.Typer(help="The YAML files that operators edit.", no_args_is_help=True)


@app.command()
@command
async def validate(as_json: AsJson = False) -> Exit:
    """Check every file of the configuration."""
    configuration = load_configuration(read_environment().config_dir)
    if as_json:
        emit({"directory": str(configuration.directory), "teams": list(configuration.teams)})
    else:
        typer.echo(f"{configuration.directory}: valid; teams: {', '.join(configuration.teams) or 'none yet'}")
    return Exit.OK

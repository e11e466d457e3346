"""`recommendations`: which setting to change, by which measured numbers."""

from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from commands.console import AsJson, Exit, command, emit, output
from commands.on_record import (
    Until,
    Window,
    database_on_record,
    print_not_enough,
    window_document,
    window_words,
)
from commands.times import window_of
from devsync.domain.insight.recommendations import Advice, Evidence, Recommendation
from devsync.runtime.health import advice_on_record
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment


@command
async def recommendations(window: Window = "28d", until: Until = None, as_json: AsJson = False) -> Exit:
    """Recommend settings to change, each with its evidence. Too few events are no evidence."""
    span = window_of(window, until, datetime.now(UTC))
    configuration = load_configuration(read_environment().config_dir)
    async with database_on_record() as database:
        advice = await advice_on_record(database, configuration, span)
    if as_json:
        emit(window_document(window, span) | document(advice))
    else:
        _print(advice, window_words(window, until))
    return Exit.OK


def document(advice: Advice) -> dict[str, Any]:
    """What `--json` prints beside the window."""
    return {
        "recommendations": [{"key": one.key, **one.model_dump(mode="json")} for one in advice.recommendations],
        "not_enough": [one.model_dump(mode="json") for one in advice.not_enough],
    }


def _print(advice: Advice, window: str) -> None:
    if not advice.recommendations:
        output().print(f"nothing to recommend by what is on record {window}")
    for number, one in enumerate(advice.recommendations, 1):
        output().print(Text.assemble(f"{number}. ", (one.title, "bold")), soft_wrap=True)
        output().print(Text(f"   {_where(one)}"), soft_wrap=True)
        output().print(Text(f"   {one.why}"), soft_wrap=True)
        for evidence in one.evidence:
            output().print(Text(f"   {_told(evidence)}"), soft_wrap=True)
    print_not_enough(advice.not_enough)


def _where(one: Recommendation) -> str:
    return f"{one.change.file}: {one.change.path}: {one.change.proposed}   # {one.change.now} now"


def _told(evidence: Evidence) -> str:
    limit = f", limit {evidence.limit:g} {evidence.unit}".rstrip() if evidence.limit is not None else ""
    return f"{evidence.metric} {evidence.value:.4g} {evidence.unit}".rstrip() + f" of {evidence.samples}{limit}"

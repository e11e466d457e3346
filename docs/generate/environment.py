"""docs/reference/environment.md, from devsync/settings/environment.py and the few variables that are read elsewhere."""

from pathlib import Path
from typing import get_type_hints

from devsync.runtime.tracing import SERVICE_NAME
from devsync.settings import environment as settings
from docs.generate import docstrings
from docs.generate.markdown import code, table
from docs.generate.types import words
from sandbox import postgres_binaries, temporal_cli

INTRODUCTION = """\
# Environment variables

Addresses, secrets and folders come from the environment; everything else stands in the
[configuration](configuration.md). An empty variable counts as not set. A secret is never printed, logged, stored or put
into a workflow. `python starter.py doctor` tells what is missing and how to get it.

A variable is needed only for what the teams' files ask for: without a JIRA project, no `JIRA_…`.
"""

TEMPORAL = """\
## Temporal

Read by Temporal's SDK, in the same way as by its CLI: variables, or a profile of its configuration file
(`TEMPORAL_CONFIG_FILE`, `TEMPORAL_PROFILE`). Without any of them the address is `localhost:7233`.
"""

TEMPORAL_VARIABLES = (
    ("TEMPORAL_ADDRESS", "The server, as `host:port`."),
    ("TEMPORAL_NAMESPACE", "The namespace; `default` without it."),
    ("TEMPORAL_API_KEY", "The API key of Temporal Cloud. It switches TLS on."),
    ("TEMPORAL_TLS", "`true`: TLS without an API key."),
    ("TEMPORAL_TLS_CLIENT_CERT_PATH", "The client's certificate, where the server asks for one."),
    ("TEMPORAL_TLS_CLIENT_KEY_PATH", "Its key."),
    ("TEMPORAL_TLS_SERVER_CA_CERT_PATH", "The authority that signed the server's certificate."),
)

TRACES = """\
## OpenTelemetry

Read by its SDK, and only where one of the first two is set: then the worker sends
[traces](../how-to/follow-an-edition-by-traces.md), which has the rest of them.
"""

TRACE_VARIABLES = (
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "The collector, as `http://127.0.0.1:4318`."),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "Or the whole address for traces: `http://127.0.0.1:4318/v1/traces`."),
    ("OTEL_EXPORTER_OTLP_HEADERS", "Credentials for it: `authorization=Bearer%20…`."),
    ("OTEL_SERVICE_NAME", f"The worker's name there; `{SERVICE_NAME}` without it."),
    ("OTEL_PROPAGATORS", "Which ids the services that are called get to see; none without it."),
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "How attributes are named; `http` without it, the stable names."),
    ("OTEL_SDK_DISABLED", "`true`: no traces all the same."),
    ("OTEL_TRACES_EXPORTER", "`none`: likewise."),
)

OTHERS = (
    ("LOG_LEVEL", "`INFO`", "What the worker logs: `DEBUG`, `INFO`, `WARNING`, `ERROR`."),
    (temporal_cli.VARIABLE, "", "The Temporal CLI that `demo`, `up` and the tests start, instead of the package's."),
    (postgres_binaries.VARIABLE, "", "The folder with `initdb` and `postgres` for them, instead of the package's."),
    (
        "DEVSYNC_KEEP_OUTPUTS",
        "",
        "`1`: the runbook's test keeps what each command said in `build/runbook-outputs.txt`.",
    ),
    ("DEVSYNC_NO_SKIP", "", "`1`: a skipped test is a failure, as in `.ci/run`."),
    ("DEVSYNC_WORLD_TEAMS", "`10`", "The teams of the twelve scripted weeks that a test writes down; 40 take minutes."),
    ("UPDATE_GOLDEN", "", "Set: the tests of renderings write their expectations anew."),
)

HEAD = ("variable", "kind", "default", "meaning")


def page() -> str:
    parts = [INTRODUCTION, "## Ours\n", table(HEAD, _ours()), "## Where to get them\n", _cures(), TEMPORAL]
    parts.append(table(("variable", "meaning"), [(code(name), text) for name, text in TEMPORAL_VARIABLES]))
    parts += [TRACES, table(("variable", "meaning"), [(code(name), text) for name, text in TRACE_VARIABLES])]
    parts += ["## Read elsewhere\n", table(("variable", "default", "meaning"), [(code(o[0]), *o[1:]) for o in OTHERS])]
    return "\n".join(parts)


def _ours() -> list[tuple[str, ...]]:
    owner = settings.Environment
    hints, texts = get_type_hints(owner, include_extras=True), docstrings.of_fields(owner)
    rows: list[tuple[str, ...]] = []
    for name, field in owner.model_fields.items():
        default = field.get_default()
        shown = code(str(default)) if isinstance(default, str | Path) else ""
        text = docstrings.needed(texts, name, owner.__name__)
        rows.append((code(name.upper()), words(hints[name]), shown, text))
    return rows


def _cures() -> str:
    return "".join(f"- `{variable}`: {cure}.\n" for variable, cure in settings._CURES.items())

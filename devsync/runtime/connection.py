"""How every process of the product reaches Temporal: the SDK's envconfig profile plus our plugin."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts.names import SEARCH_ATTRIBUTES
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.environment import read_environment

DEFAULT_ADDRESS = "localhost:7233"


class TemporalUnreachable(Exception):
    """No Temporal server answers at the configured address."""


class NamespaceUnusable(Exception):
    """The server answers, but the configured namespace does not exist, or is closed to our credentials."""


class SearchAttributesMissing(Exception):
    """The namespace lacks search attributes that the workflows write."""


async def connect(
    plugin: DevSyncPlugin | None = None,
    *more: Plugin,
    address: str = "",
    namespace: str = "",
    runtime: Runtime | None = None,
) -> Client:
    """A client for the configured server (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, …), or for the one
    at `address`.

    A worker gives the plugin that its activities report to, and `more` of other kinds. Raises TemporalUnreachable with
    the address and the cure.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", DEFAULT_ADDRESS)
    if address:
        config["target_host"] = address
    if namespace:
        config["namespace"] = namespace
    try:
        ours = plugin or DevSyncPlugin(keys=read_environment().sealing_keys())
        return await Client.connect(**config, plugins=[ours, *more], runtime=runtime)
    except (RuntimeError, RPCError) as error:
        raise TemporalUnreachable(
            f"no Temporal server answers at {config['target_host']} ({_why(error)}); "
            "start one with `python starter.py up`, or set TEMPORAL_ADDRESS to the one you run"
        ) from error


async def missing_search_attributes(client: Client) -> list[str]:
    """Names of ours that the client's namespace does not have as keywords. Raises NamespaceUnusable."""
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        raise namespace_problem(error, client.namespace) from error
    return [
        key.name
        for key in SEARCH_ATTRIBUTES
        if answer.custom_attributes.get(key.name) != IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    ]


async def register_search_attributes(client: Client) -> list[str]:
    """Adds those that are missing; returns the names added. Safe to run twice, and twice at once.

    Raises NamespaceUnusable.
    """
    missing = await missing_search_attributes(client)
    if not missing:
        return []
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes=dict.fromkeys(missing, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD),
            )
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise namespace_problem(error, client.namespace) from error
    return missing


async def require_search_attributes(client: Client) -> None:
    """Raises SearchAttributesMissing (an unregistered one would wedge every workflow task), NamespaceUnusable."""
    missing = await missing_search_attributes(client)
    if missing:
        raise SearchAttributesMissing(
            f"namespace {client.namespace!r} lacks the search attributes {', '.join(missing)}; "
            "run `python starter.py apply` once"
        )


def missing_namespace(error: RPCError) -> str:
    """The namespace that Temporal says it does not have; empty where the error means something else."""
    missing = NamespaceNotFoundFailure()
    for detail in error.grpc_status.details:
        if detail.Unpack(missing):
            return str(missing.namespace)
    return ""


def namespace_problem(error: RPCError, namespace: str) -> Exception:
    """What to raise for it: NamespaceUnusable with the cure where that is what it means, else the error itself."""
    if error.status is RPCStatusCode.NOT_FOUND:
        return NamespaceUnusable(
            f"Temporal has no namespace {namespace!r}; set TEMPORAL_NAMESPACE to one that it has, "
            f"or create it: temporal operator namespace create {namespace}"
        )
    if error.status in {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED}:
        return NamespaceUnusable(
            f"Temporal refuses our credentials for namespace {namespace!r} ({_first_line(error)}); check "
            "TEMPORAL_API_KEY or the TLS certificate, TEMPORAL_NAMESPACE, and what they may do there"
        )
    return error


def _why(error: BaseException) -> str:
    """What SDK Core says of a connection is Rust's own writing: of the usual reasons, the name."""
    said = _first_line(error)
    known = {"ConnectionRefused": "connection refused", "dns error": "its name is not known", "Timeout": "no answer"}
    return next((words for sign, words in known.items() if sign in said), said)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

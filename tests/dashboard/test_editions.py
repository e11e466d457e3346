"""The pages of editions: what is missing, told once for each reason."""

from __future__ import annotations

from devsync.domain.changelog.edition import Gap, ProvenanceKind
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.records import Records
from tests.dashboard.conftest import House
from tests.storage.test_records import NOON, edition


async def test_sources_that_are_missing_for_one_reason_are_one_line(house: House) -> None:
    down = "JIRA answered <503>"
    gaps = (
        Gap(unit="jira:PAY", service="jira", reason=down),
        Gap(unit="github:acme/web", service="github", reason="the token does not see it"),
        Gap(unit="jira:SHOP", service="jira", reason=down, as_of=NOON, stand_in=ProvenanceKind.CACHED),
    )
    records = Records(house.site.database, ArtifactStore(house.site.database))
    await records.write(edition=edition(gaps=gaps, edition=None, renderings={}))
    shown = (await (await house.visitor("anna")).get("/teams/payments/editions/2026-W47")).text
    assert (shown.count("JIRA answered &lt;503&gt;"), shown.count("the token does not see it")) == (1, 1)
    (line,) = [line for line in shown.splitlines() if "JIRA answered" in line]
    assert line.index("jira:PAY") < line.index("jira:SHOP") < line.index("cached data stands in")

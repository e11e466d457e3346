"""How much of what was asked for is in an edition, and one gap for whatever is not live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from devsync.domain.changelog.composition import CompositionInput
from devsync.domain.changelog.edition import Gap, Provenance, ProvenanceKind
from devsync.domain.changelog.uniqueness import provenance_rank

_STAND_IN_REASONS: Mapping[ProvenanceKind, str] = {
    ProvenanceKind.PARTIAL: "Only a part of the data answered.",
    ProvenanceKind.CACHED: "The source did not answer; an older copy of the same week stands in.",
    ProvenanceKind.MIRROR: "The source did not answer; its git mirror stands in.",
    ProvenanceKind.FEED: "The source did not answer; its feed stands in, with titles only.",
    ProvenanceKind.DERIVED: "The source did not answer; what other sources tell of it stands in.",
}
_NOTHING_COLLECTED = "Nothing was collected."


def gaps_of(plan: CompositionInput) -> tuple[Gap, ...]:
    """The gaps that collection reported, and one for each other unit that was asked and is not live."""
    reported = {gap.unit.casefold() for gap in plan.gaps}
    delivered = _delivered(plan)
    gaps = list(dict.fromkeys(plan.gaps))
    for unit in units_asked(plan):
        provenance = delivered.get(unit.casefold())
        is_live = provenance is not None and provenance.kind is ProvenanceKind.LIVE
        if unit.casefold() not in reported and not is_live:
            gaps.append(_gap(unit, provenance))
    return tuple(sorted(gaps, key=lambda gap: (gap.unit, gap.model_dump_json())))


def with_lost(gaps: Iterable[Gap], lost: Sequence[Gap]) -> tuple[Gap, ...]:
    """The gaps when these units are lost, too: what stood in for one is gone, and what was live is missing."""
    units = {gap.unit for gap in lost}
    kept = [gap.model_copy(update={"as_of": None, "stand_in": None}) if gap.unit in units else gap for gap in gaps]
    named = {gap.unit for gap in kept}
    return (*kept, *(gap for gap in lost if gap.unit not in named))


def completeness_of(plan: CompositionInput) -> float:
    """Units collected live ÷ units asked for, between 0 and 1; nothing asked is complete."""
    asked = {unit.casefold() for unit in units_asked(plan)}
    if not asked:
        return 1.0
    missing = {gap.unit.casefold() for gap in gaps_of(plan)}
    return len(asked - missing) / len(asked)


def units_asked(plan: CompositionInput) -> tuple[str, ...]:
    """Each unit once, in order of name."""
    return tuple(sorted(set(plan.units_asked)))


def _delivered(plan: CompositionInput) -> dict[str, Provenance]:
    delivered: dict[str, Provenance] = {}
    found = [(unit.unit, unit.provenance) for unit in plan.repositories]
    found += [(unit.unit, unit.provenance) for unit in plan.projects]
    found += [(unit.unit, unit.provenance) for unit in plan.boards]
    found += [(unit.unit, unit.provenance) for unit in plan.deployments]
    found += [(unit.unit, unit.provenance) for unit in plan.calendars]
    for unit, provenance in found:
        name = unit.casefold()
        if name not in delivered or provenance_rank(provenance) > provenance_rank(delivered[name]):
            delivered[name] = provenance
    return delivered


def _gap(unit: str, provenance: Provenance | None) -> Gap:
    service = unit.partition(":")[0]
    if provenance is None:
        return Gap(unit=unit, service=service, reason=_NOTHING_COLLECTED)
    return Gap(
        unit=unit,
        service=service,
        reason=_STAND_IN_REASONS[provenance.kind],
        as_of=provenance.as_of,
        stand_in=provenance.kind,
    )

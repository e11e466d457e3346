"""Public holidays by country and region (ISO 3166): data of the package `holidays`, read when it is asked for.

They are part of an edition's plan, like its window: a table on our own machine, which no outage takes away.
"""

from datetime import date, timedelta

from devsync.domain.changelog.surroundings import Holiday
from devsync.settings.problems import did_you_mean


def problem_of_region(region: str) -> str | None:
    """What is wrong with a region such as `DE-BE`; None for one that is known."""
    from holidays import list_supported_countries  # a tenth of a second, which most commands need not wait

    country, _, part = region.partition("-")
    known = list_supported_countries()
    if country not in known:
        return (
            f'"{region}": no holidays are known of a country {country}; {did_you_mean(country, known, "see ISO 3166")}'
        )
    if part and part not in known[country]:
        parts = [name for name in known[country] if len(name) <= 3]
        cure = f"it has {', '.join(parts)}" if parts else f'write "{country}"'
        return f'"{region}": no holidays are known of a part {part} of {country}; {cure}'
    return None


def holidays_between(region: str, first: date, end: date) -> tuple[Holiday, ...]:
    """The holidays on days `first <= day < end`, in English where their names are translated. The region is known."""
    from holidays import country_holidays

    country, _, part = region.partition("-")
    years = range(first.year, end.year + 1)
    found = country_holidays(country, subdiv=part or None, years=years, language="en_US")
    days = (first + timedelta(days=number) for number in range((end - first).days))
    return tuple(Holiday(day=day, name=found[day]) for day in days if day in found)

from datetime import UTC, datetime, timedelta

from devsync.contracts.edition import Phase
from workflows.edition.phases import PhaseTimes

BEGIN = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_the_time_of_a_phase_that_is_entered_twice_is_the_sum() -> None:
    times = PhaseTimes(BEGIN)
    for after, phase in [
        (0, Phase.PLANNING),
        (1, Phase.COLLECTING),
        (11, Phase.DELIVERING),
        (14, Phase.RECORDING),
        (15, Phase.DELIVERING),
    ]:
        times.enter(phase, BEGIN + timedelta(seconds=after))
    assert times.seconds(BEGIN + timedelta(seconds=15.5)) == {
        "total": 15.5, "plan": 1.0, "collect": 10.0, "deliver": 3.5, "record": 1.0,
    }  # fmt: skip

"""What stands for each failed unit while a plan is followed, and how the recovery ends by it."""

from collections.abc import Sequence
from enum import StrEnum


class RecoveryOutcome(StrEnum):
    HEALED = "healed"
    """Everything is live after all."""
    STAND_IN = "stand_in"
    """Something stands in for all that is not live."""
    PARTIAL = "partial"
    """Some units have nothing: named gaps."""
    FAILED = "failed"
    """Nothing was healed."""
    ABORTED = "aborted"
    """A person ended the edition."""


class Healing:
    """Live data wins over what stands in; of what stands in, the first stays: the steps above are the better ones."""

    def __init__(self, units: Sequence[str]) -> None:
        self._is_live: dict[str, bool | None] = dict.fromkeys(units)

    def take(self, unit: str, *, is_live: bool) -> bool:
        """Whether this is better than what stands for the unit. False for one that is none of ours."""
        if unit not in self._is_live:
            return False
        before = self._is_live[unit]
        if before or (before is not None and not is_live):
            return False
        self._is_live[unit] = is_live
        return True

    def leave_out_stand_ins(self) -> tuple[str, ...]:
        """Nothing stands for these units any more."""
        left_out = self.standing_in
        self._is_live |= dict.fromkeys(left_out)
        return left_out

    @property
    def live(self) -> tuple[str, ...]:
        return tuple(unit for unit, is_live in self._is_live.items() if is_live)

    @property
    def standing_in(self) -> tuple[str, ...]:
        """Units for which something stands in that is not live."""
        return tuple(unit for unit, is_live in self._is_live.items() if is_live is False)

    @property
    def missing(self) -> tuple[str, ...]:
        """Units for which nothing stands: what the next step is given."""
        return tuple(unit for unit, is_live in self._is_live.items() if is_live is None)

    @property
    def not_live(self) -> tuple[str, ...]:
        return tuple(unit for unit, is_live in self._is_live.items() if not is_live)

    @property
    def outcome(self) -> RecoveryOutcome:
        if not self.not_live:
            return RecoveryOutcome.HEALED
        if not self.missing:
            return RecoveryOutcome.STAND_IN
        return RecoveryOutcome.PARTIAL if self.live or self.standing_in else RecoveryOutcome.FAILED

"""Not enough data, as an answer: what was looked for, what there is, and what would be needed."""

from devsync.domain.model import Model


class NotEnoughData(Model):
    """In the place of an opinion. Never an error: it is what an honest reader of these records would say."""

    about: str
    """What was asked: `forecast of errors of github`."""
    found: int
    needed: int
    what: str
    """What is counted, in the plural with an s: `days`, `events`, `calls`."""

    @property
    def why(self) -> str:
        counted = self.what.removesuffix("s") if self.found == 1 else self.what
        return f"not enough data, {self.found} {counted} where {self.needed} are needed"

    def __str__(self) -> str:
        return f"{self.about}: {self.why}"

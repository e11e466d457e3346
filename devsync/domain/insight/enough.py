"""Not enough data, as an answer: what was looked for, what there is, and what would be needed."""

from devsync.domain.model import Model


class NotEnoughData(Model):
    """In the place of an opinion. Never an error: it is what an honest reader of these records would say."""

    about: str
    """What was asked: `forecast of errors of github`."""
    found: int
    needed: int
    what: str
    """What is counted: `days`, `events`, `calls`."""

    def __str__(self) -> str:
        return f"{self.about}: not enough data, {self.found} {self.what} where {self.needed} are needed"

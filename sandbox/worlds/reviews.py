"""Who looked at what: every merged pull request was approved by a colleague, some after a request for changes."""

from __future__ import annotations

from random import Random

from sandbox.world import Person, PullRequest, Repository, Review


def add_reviews(repository: Repository, seed: int) -> None:
    """The draws of each pull request depend on nothing but the seed and itself."""
    authors = {pull.author.login: pull.author for pull in repository.pull_requests if not pull.author.is_bot}
    colleagues = [authors[login] for login in sorted(authors)]
    for pull in repository.pull_requests:
        reviewers = [person for person in colleagues if person.login != pull.author.login]
        if pull.merged_at is not None and reviewers:
            random = Random(f"{seed}/reviews/{repository.full_name}/{pull.number}")
            pull.reviews = _reviews(pull, repository.id, reviewers, random)


def _reviews(pull: PullRequest, repository_id: int, reviewers: list[Person], random: Random) -> list[Review]:
    assert pull.merged_at is not None, "only merged pull requests are asked"
    reviewer = random.choice(reviewers)
    states = ["CHANGES_REQUESTED", "APPROVED"] if random.random() < 0.3 else ["APPROVED"]
    span = pull.merged_at - pull.created_at
    moments = sorted(random.uniform(0.05, 0.95) for _ in states)
    return [
        Review(
            id=repository_id * 100_000 + pull.number * 10 + position,
            author=reviewer,
            state=state,
            submitted_at=(pull.created_at + span * moment).replace(microsecond=0),
        )
        for position, (state, moment) in enumerate(zip(states, moments, strict=True))
    ]

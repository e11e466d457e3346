"""The one GraphQL document that collection sends: a repository's pull requests, commits and releases in one request.

Each list pages by a cursor of its own and is left out (`@include`) once it is read, so that a repository costs as
many requests as its longest list has pages. Fields are checked against GitHub's public schema in the tests.

Pull requests come newest update first until updates lie before the window, as over REST: `search` would take
`merged:a..b`, but gives at most 1,000 results, from an index that lags behind and does not follow renames. Commits are
paged from the commit that was the default branch's head at the first page: whatever is pushed meanwhile, forced or
not, the pages belong together.

At 100 entries a page this is some 22,500 of the 500,000 nodes that GitHub allows and about 5 of 5,000 points an hour
(docs, "rate limits and query limits for the GraphQL API"). What nests is kept short on purpose: heavy pages are what
GitHub answers 502 to.
"""

from typing import Final

QUERY: Final = """
query Week(
  $owner: String!, $name: String!, $since: GitTimestamp!, $until: GitTimestamp!, $size: Int!
  $withPulls: Boolean!, $pullsAfter: String
  $withBranch: Boolean!, $withHead: Boolean!, $head: GitObjectID, $commitsAfter: String
  $withReleases: Boolean!, $releasesAfter: String
) {
  repository(owner: $owner, name: $name) {
    nameWithOwner
    defaultBranchRef @include(if: $withBranch) { name target { oid ...Commits } }
    object(oid: $head) @include(if: $withHead) { oid ...Commits }
    pullRequests(
      first: $size, after: $pullsAfter, states: [MERGED], orderBy: {field: UPDATED_AT, direction: DESC}
    ) @include(if: $withPulls) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number title body url createdAt updatedAt mergedAt authorAssociation headRefName baseRefName
        author { __typename login }
        mergeCommit { oid }
        labels(first: 100) { nodes { name } }
        commits(first: 1) { nodes { commit { authoredDate } } }
        reviews(first: 10) { nodes { submittedAt author { __typename login } } }
        closingIssuesReferences(first: 10) { nodes { number repository { nameWithOwner } } }
      }
    }
    releases(
      first: $size, after: $releasesAfter, orderBy: {field: CREATED_AT, direction: DESC}
    ) @include(if: $withReleases) {
      pageInfo { hasNextPage endCursor }
      nodes {
        tagName name description url isDraft isPrerelease createdAt publishedAt
        author { login }
      }
    }
  }
}

fragment Commits on Commit {
  history(first: $size, after: $commitsAfter, since: $since, until: $until) {
    pageInfo { hasNextPage endCursor }
    nodes {
      oid message url authoredDate committedDate
      author { name email user { login } }
      parents(first: 100) { nodes { oid } }
    }
  }
}
"""
"""`head` is null at the first page, which finds it out (`withBranch`); later pages name it (`withHead`)."""

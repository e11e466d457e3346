"""GitHub's GraphQL API over a world: `POST /graphql`, held to GitHub's public schema."""

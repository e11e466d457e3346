"""Accounts as nodes. They are the same in every repository, so each is made once."""

from __future__ import annotations

from sandbox.github.graphql.execution import Node
from sandbox.github.shapes import Shapes, node_id, stable_id
from sandbox.world import Person


class People:
    """The accounts of a world for one base URL."""

    def __init__(self, shapes: Shapes) -> None:
        self._base_url = shapes.base_url
        self._actors: dict[str, Node] = {}
        self._users: dict[str, Node] = {}
        self.ghost = self._user("ghost", "Deleted user")
        """Who stands in where the schema has no null."""

    def actor(self, person: Person) -> Node | None:
        """Who did something; None for a deleted account. A bot's login has no `[bot]` here, unlike in REST."""
        if not person.is_bot or person.is_deleted:
            return self.user(person)
        node = self._actors.get(person.login)
        if node is None:
            node = self._actors[person.login] = self._bot(person.login)
        return node

    def user(self, person: Person) -> Node | None:
        """The account where the schema asks for a User; None for a deleted one.

        A bot stands there, too (as the author of its commits), and then under its full login with `[bot]`.
        """
        if person.is_deleted:
            return None
        node = self._users.get(person.login)
        if node is None:
            node = self._users[person.login] = self._user(person.login, person.name)
        return node

    def organization(self, login: str) -> Node:
        return self._user(login, login) | {"__typename": "Organization"}

    def _user(self, login: str, name: str) -> Node:
        user_id = stable_id("user", login)
        return {
            "__typename": "User",
            "id": node_id("U_", user_id),
            "databaseId": user_id,
            "email": "",
            "login": login,
            "name": name,
            "resourcePath": f"/{login}",
            "url": f"{self._base_url}/{login}",
        }

    def _bot(self, login: str) -> Node:
        bot_id = stable_id("user", login)
        slug = login.removesuffix("[bot]")
        return {
            "__typename": "Bot",
            "id": node_id("BOT_", bot_id),
            "databaseId": bot_id,
            "login": slug,
            "resourcePath": f"/apps/{slug}",
            "url": f"{self._base_url}/apps/{slug}",
        }

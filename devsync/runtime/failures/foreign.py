"""Exceptions of libraries, named without loading the libraries.

An error of a library can be met only where somebody has loaded the library: a program that handles its errors need not
load the clients of services that it never calls.
"""

import sys


class Foreign:
    """Exceptions of one module, or of a package around the module that defines them."""

    def __init__(self, module: str, *names: str) -> None:
        self.module = module
        self.names = names

    @property
    def types(self) -> tuple[type[BaseException], ...]:
        """Those that are there by now: none while nobody has loaded the module, some while it is being loaded."""
        module = sys.modules.get(self.module)
        return tuple(kind for name in self.names if (kind := getattr(module, name, None)) is not None)


Kinds = type[BaseException] | tuple[type[BaseException], ...] | Foreign


def is_one_of(error: BaseException, kinds: Kinds) -> bool:
    return isinstance(error, kinds.types if isinstance(kinds, Foreign) else kinds)

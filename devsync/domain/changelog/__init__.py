"""From what sources deliver to an edition. Begin with `compose.py`: the other modules are its steps and its words."""

"""Pure Python: what can be decided without I/O, clock or Temporal is decided here, with time and chance passed in."""

"""What crosses a process boundary: the models of all messages, and the names that running workflows rely on."""

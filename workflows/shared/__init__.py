"""What several workflows need: signals and waits, messages and failures as they are read, metrics, Markdown."""

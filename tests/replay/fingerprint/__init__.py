"""The fingerprint of each workflow: its commands, held against the committed `baseline.json`."""

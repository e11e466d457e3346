"""Brings one team's week to one channel, effectively once: the only writer to that channel.

- `delivery.py` is the workflow: rounds over what is not there yet, until it is or no try is left.
- `slack_round.py`, `mail_round.py`, `webhook_round.py` are one try each, as the kind of channel wants it.
- `work.py` and `parts.py` keep what is known of the revision and its parts, `tries.py` when the next try is due.
- `people.py` says on whose pages a channel in trouble stands.
- `channels.py` is what others call: it starts a Delivery, or tells the one that runs.
"""

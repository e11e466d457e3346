"""The dashboard: pages on which people look and decide, the endpoint of Slack's buttons, and the codec's."""

"""What readers see: an edition as Markdown, HTML, plain text, JSON and Slack messages."""

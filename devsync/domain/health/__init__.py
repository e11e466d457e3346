"""How the system is, and who is told: bands of health, alert rules, and the pure state machine of alerts."""

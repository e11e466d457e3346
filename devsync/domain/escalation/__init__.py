"""Who is asked, when, and what follows when nobody answers: policies as data and a pure state machine."""

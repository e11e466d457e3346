"""PostgreSQL: the tables, and what is asked of them. `database.py` is the one door; `tables.py` is where to begin."""

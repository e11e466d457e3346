"""What the records say: statistics, trends, forecasts, capacity and what to change. Too few events say nothing."""

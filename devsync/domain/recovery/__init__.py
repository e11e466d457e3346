"""How what failed is recovered: plans as data, and what their steps made of it. Pure."""

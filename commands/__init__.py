"""The command line, one module a command or group; `starter.py` registers them. `console.py`: how they speak."""

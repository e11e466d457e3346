"""Imported first by programs, for its effect: the garbage collector rests until `memory.keep_house`.

Imports make half a million objects, nearly all of which stay. Searched for garbage again and again on the way, they
cost a fifth of a process's start: 2.7 instead of 2.2 s of CPU time.
"""

import gc

gc.disable()

"""Floor 0: compiled kernels. Arrays in, arrays out; no files, no Python objects, no random state.

Every kernel has a plain twin in ``tests/naive.py`` that shares no code with it.
"""

"""Hostile files, texts and command lines, each made from a seed, and what must hold for every one of them.

``python -m tests.fuzz --minutes 2`` tries as many as it can; a failing one is repeated by its seed. A process
that has loaded the package and its kernels forks a child for every command (`children`), in a folder with
copies of good files (`specimens`) of which some are damaged (`toml`, `buildings`, `maps`, `damage`, `hdf5`)
or that are named in odd ways (`arguments`). `oracle` says what must hold.
"""

"""Checkpoints of a training: its whole state in one HDF5 file, published at once."""

from __future__ import annotations

from pathlib import Path

import h5py

from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.differences import with_versions
from cmarlsim.storage.files import file_at, real
from cmarlsim.storage.hdf5 import check_sealed, damage_told, numbers, open_readable, published
from cmarlsim.storage.outputs import check_free
from cmarlsim.training import Training

FORMAT = "cmarlsim-checkpoint/1"


def checkpoint_of(out: Path) -> Path:
    """Where the training that will write `out` keeps its checkpoint."""
    out = real(out)
    return out.with_name(f"{out.name}.checkpoint")


def save(training: Training, path: Path) -> None:
    """Write the training's state and what it is determined by."""
    with published(path) as file:
        file.attrs.update(training.made_with)
        file.attrs["format"] = FORMAT
        for name, array in training.state().items():
            file[f"state/{name}"] = array


def go_on(training: Training, out: Path, force: bool) -> bool:
    """Continue a training from the checkpoint of `out`, and make sure that `out` can be written.

    Returns
    -------
    bool
        Whether there was a checkpoint.

    Raises
    ------
    InputError
        As `restore`, and if `out` exists and `force` is not set.
    """
    found = file_at(checkpoint_of(out))
    if found:
        restore(training, checkpoint_of(out))
    check_free(out, force)
    return found


def already_made(training: Training, out: Path) -> Policy | None:
    """The policy at `out`, if it is what the whole of this training makes; its checkpoint goes then.

    Raises
    ------
    InputError
        If there is something else than a regular file.
    """
    if not file_at(out):
        return None
    try:
        policy = Policy.load(out)
    except InputError:
        return None
    wanted = training.made_with | {"iterations_done": training.total}
    found = policy.training
    margin = isinstance(found.get("validation_margin"), float)
    if not margin or any(str(found.get(key)) != str(value) for key, value in wanted.items()):
        return None
    if file_at(checkpoint_of(out)):
        checkpoint_of(out).unlink()
    return policy


def restore(training: Training, path: Path) -> None:
    """Continue `training` from the checkpoint at `path`.

    Raises
    ------
    InputError
        If the file is not a checkpoint, or one of another scenario, seed, recipe or version; the message
        names the keys that differ.
    """
    with open_readable(path, FORMAT) as file:
        differing = [
            key.removeprefix("recipe_")
            for key, value in training.made_with.items()
            if str(file.attrs.get(key)) != str(value)
        ]
        if differing:
            what = ", ".join(with_versions(differing, file.attrs, training.made_with))
            raise InputError(
                f"{path}: is a checkpoint of another training, these differ: {what}; "
                "repeat its command, with its versions, or remove it to start anew"
            )
        check_sealed(file)
        with damage_told(path, "not a complete checkpoint"):
            training.restore({name: numbers(file["state"], name)[...] for name in _names(file["state"])})


def _names(group: h5py.Group) -> list[str]:
    """The paths of all datasets below a group."""
    names: list[str] = []
    group.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names

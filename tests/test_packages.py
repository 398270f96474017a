"""What a wheel holds."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_packages_of_the_wheel_are_those_on_disk() -> None:
    """`cmarlsim.data` is the folder `data`, which has no modules."""
    metadata = ConfigParser()
    metadata.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = metadata["options"]["packages"].split()
    modules = [path for name in ("analysis", "cmarlsim") for path in (ROOT / name).rglob("*.py")]
    assert listed == sorted(
        {".".join(path.relative_to(ROOT).parent.parts) for path in modules} | {"cmarlsim.data"}
    )

"""What a wheel holds, and that the scripts in it run."""

import gc
import runpy
from configparser import ConfigParser
from pathlib import Path

import pytest

from analysis.figures import FIGURES

ROOT = Path(__file__).parents[1]
SCRIPTS = {
    str(path.relative_to(ROOT)): path
    for path in sorted((ROOT / "analysis").rglob("*.py"))
    if '__name__ == "__main__"' in path.read_text("utf-8")
}


def test_the_packages_of_the_wheel_are_those_on_disk() -> None:
    """`cmarlsim.data` is the folder `data`, which has no modules."""
    metadata = ConfigParser()
    metadata.read(ROOT / "setup.cfg", encoding="utf-8")
    modules = [path for name in ("analysis", "cmarlsim") for path in (ROOT / name).rglob("*.py")]
    packages = {".".join(path.relative_to(ROOT).parent.parts) for path in modules}
    assert metadata["options"]["packages"].split() == sorted(packages | {"cmarlsim.data"})


def help_of(script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr("sys.argv", [str(script), "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(script), run_name="__main__")
    gc.unfreeze()  # the process goes on
    assert not stop.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_says_what_it_takes(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Usage: " in help_of(SCRIPTS[name], monkeypatch, capsys)


def test_every_figure_is_a_script_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for figure in FIGURES:
        shown = help_of(SCRIPTS[f"analysis/{figure.name}.py"], monkeypatch, capsys)
        assert (figure.draw.__doc__ or "").split("\n")[0] in " ".join(shown.split())
        assert {figure.tabulate.__module__, figure.draw.__module__} == {f"analysis.{figure.name}"}
    assert [name for name in SCRIPTS if "/figure" in name] == [f"analysis/{f.name}.py" for f in FIGURES]

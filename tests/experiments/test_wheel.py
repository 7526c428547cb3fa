"""The wheel: what travels in it, what it declares, and that it works by itself, outside the source tree."""

import ast
import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the sources, so that nothing left over from an earlier build gets in."""
    copy, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(SOURCE / name, copy)
    for name in ("ntn6g", "configs"):
        shutil.copytree(SOURCE / name, copy / name)
    pip("wheel", "--no-deps", "--wheel-dir", folder, copy)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def program(wheel, tmp_path_factory):
    """The command of a new environment that holds the wheel, and sees the dependencies of this one only."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # a folder named in a .pth file is searched, but its own .pth files (an editable ntn6g) are not read
    shared = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(site, "dependencies.pth").write_text("\n".join(sorted(shared)))
    return environment / "bin" / "ntn6g"


@pytest.fixture
def run(program, tmp_path):
    """Call the command in an empty folder; its output, after a success."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def call(*arguments):
        done = subprocess.run(
            [program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files_under(folder):
    return {
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
    }


def test_every_file_of_the_package_and_every_config_travels_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {Path(name) for name in archive.namelist() if ".dist-info/" not in name}

    ours = {Path("ntn6g") / path for path in files_under(SOURCE / "ntn6g")}
    configs = {Path("ntn6g/configs") / path for path in files_under(SOURCE / "configs")}
    assert inside == ours | configs


def test_every_package_that_is_imported_is_declared(wheel):
    with zipfile.ZipFile(wheel) as archive:
        header = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = email.message_from_bytes(archive.read(header)).get_all("Requires-Dist")
    declared = {normal(re.match(r"[\w.-]+", each)[0]) for each in required if 'extra == "dev"' not in each}

    providers = metadata.packages_distributions()
    undeclared = {
        module
        for module in imported_modules() - set(sys.stdlib_module_names) - {"ntn6g"}
        if not declared & {normal(name) for name in providers.get(module, [])}
    }
    assert undeclared == set()


def test_the_installed_command_finds_the_configs_from_an_empty_folder(run):
    shown = run("list", "configs")

    assert [line.split()[0] for line in shown.splitlines()[1:]] == sorted(
        path.stem for path in (SOURCE / "configs").rglob("*.yaml")
    )


def test_the_installed_command_runs_the_quickstart_by_name(run, tmp_path):
    run(
        *("run", "quickstart", "--out", "run", "--quiet"),
        *("--set", "parts.curves.sweep={grid: {at.elevation_deg: [20], power.ebno_db: [6]}}"),
        *("--set", "parts.curves.stop.max_blocks=64"),
        *("--set", "parts.pass.sweep={grid: {at.fraction: [0.5]}}", "--set", "parts.pass.stop.max_blocks=64"),
    )

    rows = (tmp_path / "run" / "results.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["part", "curves", "pass", "geometry"]
    assert {"curves.png", "pass.svg", "geometry.png"} <= {path.name for path in (tmp_path / "run").iterdir()}
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def imported_modules():
    found = set()
    for path in (SOURCE / "ntn6g").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()

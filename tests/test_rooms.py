"""A room imports only from the rooms above it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
# From top to bottom. A room may import itself and what stands above it.
ROOMS = [
    "errors",
    "files",
    "machine",
    "places",
    "progress",
    "settings",
    "registry",
    "randomness",
    "precision",
    "shapes",
    "autograd",
    "metrics",
    "quality",
    "images",
    "physics",
    "models",
    "lessons",
    "data",
    "tasks",
    "evaluation",
    "reporting",
    "runs",
    "training",
    "sweeps",
    "formats",
    "restoring",
    "verification",
    "commands",
    "__main__",
]
# Narrower than the order: what a room may not have though it stands above.
FORBIDDEN = {
    "images": {"autograd", "metrics", "quality"},
    "data": {"autograd", "metrics", "physics", "models"},
    "tasks": {"data"},
    "runs": {"autograd", "metrics", "physics", "models", "data", "tasks", "evaluation", "reporting"},
    "training": {"autograd", "physics", "models", "evaluation", "reporting"},
    "sweeps": {"autograd", "metrics", "physics", "models", "data", "tasks", "training"},
    "reporting": {"autograd", "physics", "models", "data", "tasks"},
    "physics": {"autograd", "metrics"},
    "models": {"metrics"},
}


def imports(path: Path) -> set[str]:
    """Full names of all that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


SOURCES = sorted((CHECKOUT / "imaging").rglob("*.py"))
PLUGINS = sorted((CHECKOUT / "hydra_plugins").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_a_room_imports_only_from_rooms_above_it(path):
    room = path.relative_to(CHECKOUT / "imaging").parts[0].removesuffix(".py")
    if room == "__init__":
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("imaging.")}
    allowed = set(ROOMS[: ROOMS.index(room) + 1]) - FORBIDDEN.get(room, set())
    assert used <= allowed


def test_every_room_is_in_the_order():
    assert {p.relative_to(CHECKOUT / "imaging").parts[0].removesuffix(".py") for p in SOURCES} == {
        "__init__",
        *ROOMS,
    }


def test_networks_and_operators_never_see_lightning():
    for path in SOURCES:
        if path.is_relative_to(CHECKOUT / "imaging" / "models") or "physics" in path.parts:
            assert not any("lightning" in name for name in imports(path)), path


def test_the_plugins_know_only_what_surrounds_a_run():
    for path in PLUGINS:
        used = {".".join(name.split(".")[:2]) for name in imports(path) if name.startswith("imaging.")}
        assert used <= {"imaging.runs", "imaging.sweeps", "imaging.errors", "imaging.places"}, path


@pytest.mark.parametrize(
    "path", [*SOURCES, *PLUGINS, CHECKOUT / "train.py", CHECKOUT / "evaluate.py"], ids=str
)
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= 300


def test_a_command_starts_without_numpy():
    """A second and more that each command and each job would wait for."""
    code = "import sys, imaging.commands.frame; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT).returncode == 0


def test_reports_are_made_without_torch():
    """Seconds that every sweep would wait for at its end."""
    rooms = "imaging.commands.frame, imaging.commands.sweep, imaging.sweeps.queue"
    code = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT).returncode == 0

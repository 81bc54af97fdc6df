"""Only `harness` is importable at the top, so a project's own packages keep their names: from a wheel and editable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.test_example_project import python as python_with_the_wheel

python = python_with_the_wheel

PROJECT = {
    "fakes/__init__.py": "GREETING = 'the fakes of the project'\n",
    "scenarios/__init__.py": "COUNT = 3\n",
    "tests/__init__.py": "",
    "tests/test_shop.py": """
        import conftest, fakes, scenarios, shop
        def test_the_projects_own_packages_are_imported():
            assert fakes.GREETING == "the fakes of the project"
            assert scenarios.COUNT == 3
            assert conftest.OURS
            assert shop.fakes is fakes
        """,
    "conftest.py": "OURS = True\n",
    "shop.py": """
        import conftest, fakes, scenarios, tests
        assert (fakes.GREETING, scenarios.COUNT, conftest.OURS) == ("the fakes of the project", 3, True)
        async def on_music(payload, track):
            pass
        """,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n".join(line[8:] for line in text.split("\n")) if "\n  " in text else text)
    return tmp_path


@pytest.fixture(params=["wheel", "editable"])
def interpreter(request: pytest.FixtureRequest) -> Path:
    """A Python with the built wheel, and the one of these tests, which has an editable installation."""
    return request.getfixturevalue("python") if request.param == "wheel" else Path(sys.executable)


def printed(interpreter: Path, folder: Path, *words: str) -> tuple[int, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    done = subprocess.run(
        [str(interpreter), *words], cwd=folder, env=clean, capture_output=True, text=True, timeout=110, check=False
    )
    return done.returncode, done.stdout + done.stderr


AS_A_SCRIPT = "import sys; del sys.path[0]; sys.argv[0] = {name!r}; from {module} import main; sys.exit(main())"
"""What the installed command does: the current folder is not on its path."""
COMMAND = AS_A_SCRIPT.format(name="harness", module="harness.cli")
PYTEST = AS_A_SCRIPT.format(name="pytest", module="pytest").replace("main()", "main(sys.argv[1:])")


@pytest.mark.parametrize("way", [["-m", "harness"], ["-c", COMMAND]], ids=["python -m harness", "harness"])
def test_a_project_with_packages_of_the_same_names_is_run(interpreter: Path, project: Path, way: list[str]) -> None:
    code, text = printed(interpreter, project, *way, "run", "shop.py:on_music", "baseline/healthy", "-v")
    assert code == 1, text
    assert "0 held, 1 violated of 1 scenario" in text, "it was imported, and asserts whose packages it has got"


@pytest.mark.parametrize("way", [["-m", "pytest"], ["-c", PYTEST]], ids=["python -m pytest", "pytest"])
def test_its_own_tests_import_its_own_packages(interpreter: Path, project: Path, way: list[str]) -> None:
    code, text = printed(interpreter, project, *way, "-p", "no:cacheprovider", "-q")
    assert code == 0, text
    assert "1 passed" in text


def test_nothing_but_harness_is_importable(interpreter: Path, tmp_path: Path) -> None:
    names = ["fakes", "scenarios", "tests", "conftest"]
    program = f"import importlib.util as u; print([name for name in {names!r} if u.find_spec(name)])"
    assert printed(interpreter, tmp_path, "-c", program) == (0, "[]\n")


def test_a_project_with_its_own_harness_gets_one_sentence(interpreter: Path, project: Path) -> None:
    (project / "harness").mkdir()
    (project / "harness" / "__init__.py").touch()
    sentence = 'has a Python package "harness" of its own, and only one of that name can be imported'
    code, text = printed(interpreter, project, "-c", COMMAND, "run", "shop.py:on_music", "baseline/healthy")
    assert (code, sentence in text, "Traceback" in text) == (2, True, False), text
    code, text = printed(interpreter, project, "-c", PYTEST, "-q")
    assert (code, sentence in text, "Traceback" in text) == (4, True, False), text

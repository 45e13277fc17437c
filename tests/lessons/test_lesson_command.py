"""`imaging lesson`: what it writes, what it says, and student's files that fail in every way."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bar import EXERCISES, HERE, verdict

from imaging.commands.lesson import NAMES
from imaging.commands.main import main
from imaging.errors import ImagingError
from imaging.lessons.check import check
from imaging.lessons.checking import isolation
from imaging.lessons.checking.running import function_of, load
from imaging.lessons.lessons import LESSONS, start

RIGHT_RELU = "def relu_backward(x, grad_y):\n    return grad_y * (x > 0)\n"


@pytest.fixture
def imaging(monkeypatch, tmp_path, capfd):
    """Run `imaging` in an empty directory: (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        try:
            main(words)
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capfd.readouterr()

    return run


def said(directory: Path, text: str) -> dict[str, str]:
    """What the check says of each function of a file for the lesson `backprop`."""
    (directory / "backprop.py").write_text(text)
    return {verdict.name: verdict.words for verdict in check(directory)}


def said_here(directory: Path, text: str, name: str) -> str:
    """What the check says of one function, which is run in this process: that takes no seconds to start."""
    path = directory / "student.py"
    path.write_text(text)
    return verdict(name, function_of(load(path), name)).words


@pytest.mark.parametrize("name", LESSONS)
def test_what_start_writes_has_a_task_and_no_solution(name, tmp_path):
    start(LESSONS[name], tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"README.md", f"{name}.py"}
    tree = ast.parse((tmp_path / "new" / f"{name}.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [f.name for f in functions] == [exercise.name for exercise in LESSONS[name].exercises]
    for function in functions:
        docstring, body = function.body
        assert isinstance(docstring, ast.Expr)
        assert ast.unparse(body) == "raise NotImplementedError"
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert modules == {"torch"}
    task = (tmp_path / "new" / "README.md").read_text()
    for exercise in LESSONS[name].exercises:
        arguments = ", ".join(exercise.inputs[0].make())
        assert f"`{exercise.name}({arguments})`" in task


def test_the_names_of_the_lessons():
    assert tuple(LESSONS) == NAMES


def test_start_and_check(imaging, tmp_path):
    status, printed, _ = imaging("lesson", "start", "backprop", "homework")
    assert status == 0
    assert "then: imaging lesson check homework" in printed
    status, printed, _ = imaging("lesson", "check", "homework")
    assert (status, printed.splitlines()[-1]) == (1, "0 of 3 right")
    assert printed.count(": to do\n") == 3
    shutil.copy(HERE / "right" / "right_backprop.py", tmp_path / "homework" / "backprop.py")
    with (tmp_path / "homework" / "backprop.py").open("a") as file:
        file.write(
            "\n\nlinear_backward = linear_backward_by_einsum\nrelu_backward = relu_backward_by_where\n"
        )
        file.write("mse_gradients = mse_gradients_row_by_row\n")
    status, printed, _ = imaging("lesson", "check", "homework")
    assert (status, printed.splitlines()[-1]) == (0, "3 of 3 right")


def test_the_first_input_that_differs_is_printed(imaging, tmp_path):
    body = "return grad_y @ weight, grad_y.T @ x, 2 * grad_y.sum(0)"
    (tmp_path / "backprop.py").write_text(f"def linear_backward(x, weight, grad_y):\n    {body}\n")
    status, printed, _ = imaging("lesson", "check", ".")
    assert status == 1
    assert (
        "linear_backward: too large by the factor 2 (grad_bias)\n    first on this input: three rows"
        in printed
    )
    assert "; finite differences give " in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("start", "backprop", "full"), "full is not empty; expected a new or an empty directory"),
        (("start", "backprop", "full/a.txt"), "full/a.txt is a file; expected a new or an empty directory"),
        (
            ("check", "full"),
            "full is not a lesson: expected one of backprop.py, ablation.py, deconvolution.py",
        ),
        (("check", "nowhere"), "there is no directory nowhere; begin with: imaging lesson start"),
        (("check", "several"), "found several"),
        (("check", "broken"), "backprop.py, line 2: SyntaxError: "),
        (("check", "failing"), "backprop.py, line 1: ModuleNotFoundError: No module named 'nothing'"),
        (("start", "nothing", "new"), "invalid choice: 'nothing'"),
        ((), "the following arguments are required: <verb>"),
    ],
)
def test_a_mistake_is_told_in_one_line(words, message, imaging, tmp_path):
    for name in ("full", "several", "broken", "failing"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "a.txt").touch()
    (tmp_path / "several" / "backprop.py").touch()
    (tmp_path / "several" / "ablation.py").touch()
    (tmp_path / "broken" / "backprop.py").write_text("import torch\ndef relu_backward(x, grad_y:\n")
    (tmp_path / "failing" / "backprop.py").write_text("import nothing\n")
    status, printed, complained = imaging("lesson", *words)
    assert (status, printed, complained.count("\n")) == (2, "", 1)
    assert message in complained


def test_what_hangs_exits_or_crashes_costs_only_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation.run_isolated, "__defaults__", (3.0,))
    text = f"""
import os, subprocess, sys
import neighbour

def linear_backward(x, weight, grad_y):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    while True:
        pass

{RIGHT_RELU}

def mse_gradients(x, target, w1, b1, w2, b2):
    print(neighbour.text)
    os.kill(os.getpid(), 11)
"""
    (tmp_path / "neighbour.py").write_text("text = open('data.txt').read()\n")
    (tmp_path / "data.txt").write_text("a student's print")
    (tmp_path / "random.py").write_text("raise ImportError\n")
    assert said(tmp_path, text) == {
        "linear_backward": "does not end within 3 s: is there an infinite loop?",
        "relu_backward": "right",
        "mse_gradients": "ends the process (killed by SIGSEGV)",
    }


def test_an_endless_import_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation.run_isolated, "__defaults__", (1.0,))
    with pytest.raises(ImagingError, match=r"backprop\.py: does not end within 1 s"):
        said(tmp_path, "while True:\n    pass\n")


@pytest.mark.parametrize(
    ("arguments", "body", "words"),
    [
        ("x, weight, grad_y", "pass", "returns nothing: is there a return at its end?"),
        (
            "x, weight, grad_y",
            "return x",
            "returns a Tensor; expected a tuple: grad_x, grad_weight, grad_bias",
        ),
        (
            "x, weight, grad_y",
            "return x, weight",
            "returns 2 values; expected 3: grad_x, grad_weight, grad_bias",
        ),
        (
            "x, weight, grad_y",
            "return 'x', weight, x",
            "grad_x is a str; expected a tensor, an array or numbers",
        ),
        (
            "x, weight, grad_y",
            "return None, weight, x",
            "grad_x is None; expected a tensor, an array or numbers",
        ),
        (
            "x, weight, grad_y",
            "exit()",
            "student.py, line 2: SystemExit: the function must return, not exit",
        ),
        (
            "x, weight, grad_y",
            "return (lambda t: t @ t)(weight)",
            "student.py, line 2: RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x2 and 4x2)",
        ),
        (
            "x, weight",
            "return x",
            "student.py, line 1: TypeError: linear_backward() takes 2 positional arguments but 3 were given",
        ),
    ],
)
def test_an_exception_or_a_wrong_return_value(arguments, body, words, tmp_path):
    text = f"def linear_backward({arguments}):\n    {body}\n"
    assert said_here(tmp_path, text, "linear_backward") == words


def test_a_function_that_is_not_there(tmp_path):
    with pytest.raises(ImagingError, match=r"^missing: student\.py has no function linear_backward$"):
        said_here(tmp_path, RIGHT_RELU, "linear_backward")


def test_help_does_not_wait_for_torch():
    code = """
import sys
from imaging.commands.main import build_parser
build_parser().parse_args(["lesson", "check", "somewhere"])
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=HERE.parents[1], check=True)


def test_the_exercises_have_inputs_of_several_shapes():
    for exercise in EXERCISES.values():
        assert len({tried.label for tried in exercise.inputs}) == len(exercise.inputs) >= 2

"""Every shipped training on a pretended GPU, in torch's CPU build; see pretended.py."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from imaging.places import CHECKOUT

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def pretend(tmp_path_factory):
    """A function that runs pretended.py, and returns what it prints."""
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("it needs a C++ compiler: apt-get install g++")
    if sys.platform != "linux" or torch.cuda.is_available():
        pytest.skip("it is for Linux without a GPU")
    root, library = Path(torch.__file__).parent, tmp_path_factory.mktemp("gpu") / "pretended_gpu.so"
    build = [compiler, "-std=c++20", "-shared", "-fPIC", f"-I{root}/include", str(HERE / "pretended_gpu.cpp")]
    link = [f"-L{root}/lib", f"-Wl,-rpath,{root}/lib", "-lc10", "-ltorch_cpu", "-o", str(library)]
    built = subprocess.run([*build, *link], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr

    def pretend(*words: str) -> dict[str, str]:
        environment = os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "-W", "ignore", str(HERE / "pretended.py"), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return pretend


def test_no_training_validation_or_test_needs_anything_of_the_cpu(pretend):
    results = pretend()
    assert len(results) > 50
    assert {case: result for case, result in results.items() if result != "ok"} == {}


def test_faults_are_found(pretend):
    device, value = "FakeTensorDeviceMismatchError", "DataDependentOutputException"
    assert {fault: result.split(":")[0] for fault, result in pretend("faults").items()} == {
        "on_the_cpu": device,
        "wrong_generator": "RuntimeError",
        "reads_a_value": value,
        "boolean_index": "DynamicOutputShapeException",
        "result_on_the_cpu": device,
    }

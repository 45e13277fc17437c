"""`trainer.compile=true`: the network of every shipped experiment is one graph.

Run as a program, which prints the experiments, because torch cannot trace the checks of shapes in tests.
"""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (CHECKOUT / "conf/experiment").glob("*.yaml"))
CASES = [*([f"experiment={name}"] for name in EXPERIMENTS), ["experiment=deconvolution", "model=wiener_unet"]]


@pytest.mark.slow
def test_a_network_is_compiled_without_a_graph_break():
    ended = subprocess.run([sys.executable, __file__], cwd=CHECKOUT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.splitlines() == [" ".join(case) for case in CASES if "priors" not in case[0]]


def main() -> None:
    """Print each case whose network has parameters, and is one graph; raise an error for one that is not."""
    sys.path.insert(0, str(CHECKOUT))
    import torch
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from imaging.randomness import generator
    from imaging.runs.names import register_resolvers
    from imaging.tasks import build_task

    register_resolvers()
    for case in CASES:
        with initialize_config_dir(str(CHECKOUT / "conf"), version_base="1.3"):
            task = build_task(OmegaConf.to_container(compose("train", case), resolve=True))
        if not any(parameter.requires_grad for parameter in task.network.parameters()):
            continue
        is_gray = "inpainting" in case[0] or "single" in case[0]
        y = task.measure(torch.rand(2, 1, 28, 28) if is_gray else torch.rand(2, 3, 64, 64), generator("y"))
        sigma = [torch.full((2, 1, 1, 1), 0.05)] if task.takes_sigma else []
        operator = {"operator": task.physics.operator} if task.network.takes_operator else {}
        expected = task.network(y, *sigma, **operator)  # computes, too, what depends on the size alone
        torch._dynamo.reset()
        task.network.compile(backend="eager", fullgraph=True)
        torch.testing.assert_close(task.network(y, *sigma, **operator), expected)
        print(*case)


if __name__ == "__main__":
    main()

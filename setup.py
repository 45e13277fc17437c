"""Put conf/, weights/ and the two scripts into the package of a wheel; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """Build the package anew, and copy into it what lies beside it in a checkout."""

    def run(self):
        if self.editable_mode:
            return super().run()
        package = Path(self.build_lib, "imaging")
        shutil.rmtree(package, ignore_errors=True)  # a file that is gone would be built again
        super().run()
        shutil.copytree("conf", package / "conf", ignore=shutil.ignore_patterns("site"))
        shutil.copytree("weights", package / "weights")
        (package / "scripts").mkdir()
        for script in ("train.py", "evaluate.py"):
            shutil.copy(script, package / "scripts")
        return None


setup(cmdclass={"build_py": Build})

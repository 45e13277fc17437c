"""Put conf/, weights/ and the two scripts into the package of a wheel; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """Build the package anew, and copy into it what lies beside it in a checkout."""

    def run(self):
        package = Path(self.build_lib, "imaging")
        if not self.editable_mode:
            shutil.rmtree(package, ignore_errors=True)  # a file that is gone would be built again
        super().run()
        if not self.editable_mode:
            shutil.copytree("conf", package / "conf", ignore=shutil.ignore_patterns("site"))
            shutil.copytree("weights", package / "weights")
            for script in ("train.py", "evaluate.py"):
                (package / "scripts").mkdir(exist_ok=True)
                shutil.copy(script, package / "scripts" / script)


setup(cmdclass={"build_py": Build})

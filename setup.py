"""Put conf/ and weights/ into the package of a wheel; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """Build the package, and copy into it what lies beside it in a checkout."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for name in ("conf", "weights"):
                shutil.copytree(name, Path(self.build_lib, "imaging", name), dirs_exist_ok=True)


setup(cmdclass={"build_py": Build})

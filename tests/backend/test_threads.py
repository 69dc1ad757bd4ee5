"""Sums do not depend on how many threads the environment allows."""

import os
import subprocess
import sys

import pytest


def run(code: str) -> str:
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted as Linux shows them")
@pytest.mark.parametrize("module", ["toondecompose.cli.main", "toondecompose.worker.__main__"])
def test_matrix_products_run_on_one_thread(module):
    multiply = "import numpy, os; a = numpy.ones((600, 600)); a @ a; print(len(os.listdir('/proc/self/task')))"
    assert run(f"import {module}; {multiply}") == "1"
    if (os.cpu_count() or 1) > 1:
        assert run(multiply) == "2"  # what the environment asked for

"""The result does not depend on how many threads the environment allows."""

import os
import subprocess
import sys

import pytest

# what each of them says is printed, so that a failure shows it
THREADS_WHEN_NUMPY_IS_IMPORTED = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print(os.environ.get("OPENBLAS_NUM_THREADS"))

sys.meta_path.insert(0, Watch())
import {module}
import numpy
"""
PRODUCTS = """
import {module}, hashlib, numpy
wide, square = (numpy.random.default_rng(0).normal(size=size) for size in ((8, 20000), (900, 900)))
print(hashlib.sha256((wide @ wide.T).tobytes() + (square @ square).tobytes()).hexdigest())
"""
MODULES = ["toondecompose.cli.main", "toondecompose.worker.__main__"]


def said(code: str, threads: int) -> str:
    env = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("module", MODULES)
def test_numpy_is_told_to_use_one_thread_before_it_is_imported(module):
    assert said(THREADS_WHEN_NUMPY_IS_IMPORTED.format(module=module), 2) == "1"


def test_torch_and_opencv_compute_on_one_thread_where_the_environment_asks_for_no_more():
    code = ("from toondecompose.worker.threads import use_one_core; use_one_core(); import cv2, torch; "
            "print(torch.get_num_threads(), cv2.getNumThreads())")
    asked = "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"
    env = {name: value for name, value in os.environ.items() if name not in asked}
    for more, threads in (({}, "1 1"), (dict.fromkeys(asked, "2"), "2 2")):
        done = subprocess.run([sys.executable, "-c", code], env=env | more, check=True, capture_output=True, text=True)
        assert done.stdout.strip() == threads


@pytest.mark.parametrize("module", MODULES)
def test_matrix_products_are_the_same_bytes_with_one_thread_and_two(module):
    code = PRODUCTS.format(module=module)
    assert said(code, 1) == said(code, 2)

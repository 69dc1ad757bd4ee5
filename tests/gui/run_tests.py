"""The add-on's tests in a Blender that has no bpy wheel (5.2), with the system's pytest:

    blender --factory-startup -b --python tests/gui/run_tests.py -- tests/blender

Blender's own Python must find pytest, imageio and numpy (Debian: python3-pytest, python3-imageio, python3-numpy).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
os.chdir(ROOT)
sys.path[:0] = [str(ROOT), str(ROOT / "backend")]
code = pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[sys.argv.index("--") + 1:]])
# Blender would return 0 whatever happened
sys.stdout.flush()
os._exit(int(code))

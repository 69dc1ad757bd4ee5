"""Finding the rigid motions of a shot (camera, parallax planes, rigid sprites) and the cuts of a strip."""

from .cuts import find_cuts
from .find import find_paths

__all__ = ["find_cuts", "find_paths"]

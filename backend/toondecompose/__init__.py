"""ToonDecompose: takes a finished cartoon shot apart into plates, drawings, exposures and moves."""

__version__ = "0.1.0"

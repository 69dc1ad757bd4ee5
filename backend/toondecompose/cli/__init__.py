"""The command line: one file per command. Importing it is quick; commands import what they need when they run."""

from ..worker.threads import share_no_sums

share_no_sums()  # here, for the commands' modules import NumPy

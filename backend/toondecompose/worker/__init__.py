"""The child's side of the wire: `python -m toondecompose.worker JOB.json`."""

from .threads import share_no_sums

share_no_sums()  # here, for the child's modules import NumPy

"""The child's side of the wire: `python -m toondecompose.worker JOB.json`."""

"""Learned optical flow, for those who bring weights; without weights the engine uses DIS flow (paths/flow.py)."""

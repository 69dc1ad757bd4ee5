"""The demo clip, drawn by our own code, with its full truth."""

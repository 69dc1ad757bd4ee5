"""The parent's side of the backend process: pure Python, no bpy, no threads, no sockets.

One `Run` is one job with its child; the `Queue` runs them one after another; whoever has a timer calls `Queue.step()`.
"""

"""Job, messages and result: the one thing that the add-on and the backend both import. Standard library
and numpy only.
"""

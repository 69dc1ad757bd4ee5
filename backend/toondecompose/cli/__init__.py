"""The command line: one file per command. Importing it is quick; commands import what they need when they run."""

"""Pictures and videos from and to the disk."""

"""Short cartoon clips drawn by our own code, with their full truth in the bench's layout."""

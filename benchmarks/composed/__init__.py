"""Benchmark clips composed from other people's free art, which is read from where the reader unpacked it."""

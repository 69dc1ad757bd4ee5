"""What an animator does with a sprite: its exposure sheet, its drawings, its timing, its place in depth."""

"""What is made from a result: placed layers, recomposed frames, previews and contact sheets."""

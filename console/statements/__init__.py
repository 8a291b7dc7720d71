"""Judges statements of strangers by the tree that the engine's parser makes of them."""

"""What gives a person away in texts and documents is found here and replaced by its keyed hash."""

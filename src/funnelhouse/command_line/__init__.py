"""What the commands share: options, how rows are printed, the way to the warehouse."""

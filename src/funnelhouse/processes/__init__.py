"""The product's processes, how they start and stop, and what runs beside the loader."""

"""HTJ2K representations of stored objects: making, reading, composing and rendering them."""

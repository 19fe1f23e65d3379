"""An entity is taken out of everything."""

"""The brief: what a director would say, as values with units, and what it means to a model."""

"""Moving plates: clouds, waves and films as loops over an environment's sky; docs/generation/plates.md."""

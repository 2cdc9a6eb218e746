"""From a brief to candidates and environments; docs/generation/README.md."""

"""From a brief to candidates, a decision and an environment whose origin can be proved; docs/generation.md."""

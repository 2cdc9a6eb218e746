"""Floor 5: one module of subcommands for each room; translight.cli puts them together."""

"""A run of `translight generate`: what is asked for, what is done, and the folder that holds both."""

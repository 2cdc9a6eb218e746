"""Contrastive unpaired translation: a small network learns from two folders of stills what one should look like."""

"""Scene families: each module's ``build`` makes a scene.Scene of a brief."""

"""What skies.py draws a sky with: scattering, clouds, stars and the camera's white."""

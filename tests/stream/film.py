"""A wall's picture as a film camera beside it sees it: turned, projected by Pillow, softened; for the barcode's tests."""

import io

import numpy as np
import scipy.ndimage
from PIL import Image


def texture(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """An opaque picture of coloured clouds, uint8 (h w 4)."""
    clouds = scipy.ndimage.gaussian_filter(rng.random((height, width, 3)), (rng.uniform(1, 8),) * 2 + (0,))
    clouds = (clouds - clouds.min()) / (clouds.max() - clouds.min())
    return np.dstack([clouds * 255, np.full((height, width), 255)]).astype(np.uint8)


def turned(width: int, height: int, yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """The homography from the picture's pixels to the film's, for a camera that is turned before the wall's middle."""
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    turn = about_z @ about_x @ about_y
    focal = 1.2 * width
    lens = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    wall = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    return lens @ np.column_stack([turn[:, 0], turn[:, 1], (0, 0, 1.35 * focal)]) @ wall


def filmed(picture: np.ndarray, film_from_picture: np.ndarray) -> np.ndarray:
    """An RGB picture through a homography, on grey."""
    height, width = picture.shape[:2]
    inverse = np.linalg.inv(film_from_picture)
    coefficients = (inverse / inverse[2, 2]).ravel()[:8].tolist()
    image = Image.fromarray(picture)
    size = (width, height)
    return np.asarray(
        image.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=(40,) * 3)
    )


def resized(picture: np.ndarray, factor: float) -> np.ndarray:
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def noisy(picture: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    return np.clip(picture + rng.normal(0, deviation, picture.shape), 0, 255).astype(np.uint8)


def with_gamma(picture: np.ndarray, gamma: float) -> np.ndarray:
    return (255 * (picture / 255.0) ** gamma).astype(np.uint8)


def blurred(picture: np.ndarray, sigma_px: float) -> np.ndarray:
    return scipy.ndimage.gaussian_filter(picture, (sigma_px, sigma_px, 0))

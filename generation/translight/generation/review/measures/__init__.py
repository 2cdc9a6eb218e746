"""Measures of candidates: pictures in, a value with a plain verdict out."""

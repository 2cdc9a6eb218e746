"""Looks: a candidate's colours after a reference, a film stock, a LUT or a translating network."""

"""Interior halls for families/hall.py: arches and vaults, naves, stations, warehouses and what stands in them."""

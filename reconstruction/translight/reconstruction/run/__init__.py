"""One reconstruction from photographs to a package: work folder, stages, budget; docs/reconstruction.md."""

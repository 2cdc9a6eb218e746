"""One module bench_*.py a claim, each with ``main(tiny: bool) -> None``; ``python -m benchmarks`` runs them."""

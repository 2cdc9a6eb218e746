"""Review: measures, decisions, and the ledger that keeps who decided what and when."""

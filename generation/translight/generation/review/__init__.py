"""Review: the ledger that keeps who decided what and when."""

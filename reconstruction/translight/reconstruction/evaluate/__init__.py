"""How good an environment is on views it never saw: metrics, the evaluation, the contact sheet."""

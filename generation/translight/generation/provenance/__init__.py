"""Where an asset came from, signed: certificates, C2PA credentials, watermarks, the production's report."""

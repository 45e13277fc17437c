"""Whether a run is what its ledger says: files are compared, parts are trained and tested again."""

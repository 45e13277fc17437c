"""Tables, figures and pages from the records of an evaluation; no network is run here."""

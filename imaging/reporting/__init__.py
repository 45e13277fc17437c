"""Reports: tables and figures, from an evaluation's records alone. No network is run here."""

"""How a rejection rule is fitted: held-out texts are scored, judged, and a threshold is set."""

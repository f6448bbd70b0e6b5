"""Top-k ballots: worths with uncertainty, and the test of equal importance."""

"""One script for each published claim: what was claimed, what comes out here, and what it rests on."""

"""Parts of the solvers of cut networks and closed sets."""

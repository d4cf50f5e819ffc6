"""Parts of the solvers of links: prices, sets of subchannels, programs, exchanges."""

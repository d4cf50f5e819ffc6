"""From a torch module to the acyclic graph of its layers: exported, grouped, counted, timed."""

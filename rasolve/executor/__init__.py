"""Training by a plan, split as it says and metered; the only part that imports torch."""

"""Parts of `branch_and_bound`: boxes of levels and their bounds."""

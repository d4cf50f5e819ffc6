"""Parts of the solvers of many items under budgets."""

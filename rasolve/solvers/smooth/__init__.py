"""What the solvers of `SmoothProgram` are made of: scaling, linear algebra, subproblems, merit, curvature."""

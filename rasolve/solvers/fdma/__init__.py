"""`fdma`: continuous bandwidth and power for one deadline, by two prices.

Everything is scaled: bandwidth by the band, power by the total power, so that both budgets are 1. Client k owes n_k
nats per hertz of the band; with t_k seconds for them it needs the rate ν_k = n_k/t_k. At the efficiency x = ln(1 + SNR)
it takes the bandwidth W = ν/x and the power P = W·(e^x - 1)/h, with h its SNR at all power over the whole band.

The rate W·ln(1 + h·P/W) is concave and homogeneous of degree one, so its gradient at any efficiency bounds it:

    rate(W, P) <= A(x)·W + B(x)·P,     A(x) = x - 1 + e^-x,     B(x) = h·e^-x,     with equality at efficiency x.

Two things follow. A client's own price of bandwidth in power is A/B: at a price λ its cheapest efficiency solves
A(x)/B(x) = λ. And any λ >= 0 with any efficiencies whatsoever proves a bound. docs/fdma.md has the mathematics.
"""

from rasolve.solvers.fdma.solver import Fdma

__all__ = ["Fdma"]

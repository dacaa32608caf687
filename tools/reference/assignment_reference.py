"""Writes merge/src/test/resources/assignment/scipy.txt: small assignment problems and SciPy's solutions.

usage: assignment_reference.py OUTPUT
A line is: name, n, smallest sum, largest sum, the float32 costs row by row (little endian, base64), the columns of
the smallest and of the largest assignment (comma separated), or `-` where ties allow several.
"""

import base64
import sys

import numpy as np
from scipy.optimize import linear_sum_assignment


def cases():
    random = np.random.default_rng(20240917)
    for n in (1, 2, 5, 16, 40, 65):
        yield f"uniform-{n}", random.random((n, n)), True
    for n, top in ((12, 3), (40, 10), (40, 1000)):
        yield f"integers-{n}-below-{top}", random.integers(0, top, (n, n)), False
    yield "constant", np.full((20, 20), 3.5), False
    yield "equal-rows", np.repeat(random.random((1, 24)), 24, 0), False
    yield "equal-columns", np.repeat(random.random((24, 1)), 24, 1), False
    yield "products", np.outer(np.arange(1, 33), np.arange(1, 33)), True
    yield "negative-and-large", random.standard_normal((30, 30)) * 1e6 - 5e6, True
    yield "twins", np.repeat(np.repeat(random.random((20, 20)), 2, 0), 2, 1), False
    for noise in (0.1, 2.0):
        reference = random.standard_normal((48, 32))
        member = reference[random.permutation(48)] + noise * random.standard_normal((48, 32))
        yield f"neurons-noise-{noise}", -(reference @ member.T), True
    x, y = random.random((40, 2)), random.random((40, 2))
    yield "distances-in-a-plane", np.linalg.norm(x[:, None] - y[None], axis=2), True
    yield "periodic", random.random((60, 60)) + 5 * (np.arange(60) % 8 != np.arange(60)[:, None] % 8), True


def solve(costs, maximize, unique):
    rows, columns = linear_sum_assignment(costs, maximize=maximize)
    return repr(float(costs[rows, columns].sum())), ",".join(map(str, columns)) if unique else "-"


def main():
    with open(sys.argv[1], "w", encoding="ascii") as out:
        for name, costs, unique in cases():
            single = costs.astype("<f4")
            double = single.astype(np.float64)
            (low, lowest), (high, highest) = solve(double, False, unique), solve(double, True, unique)
            data = base64.b64encode(single.tobytes()).decode()
            out.write(f"{name} {len(costs)} {low} {high} {data} {lowest} {highest}\n")


if __name__ == "__main__":
    main()

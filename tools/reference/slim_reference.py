"""Numbers of slimming, from NumPy in float64, for SlimTest: importance, kept neurons and refitted down projection.

usage: slim_reference.py
Prints Java array literals. Inputs are sines of running numbers, which the test makes in the same way.
"""

import numpy

HIDDEN, WIDTH, TOKENS, KEPT, RIDGE = 5, 8, 20, 5, 1e-2


def sines(start, rows, columns):
    return numpy.sin(0.7 * numpy.arange(start, start + rows * columns, dtype=numpy.float64) ** 1.3).reshape(rows, columns)


def literal(values):
    return ", ".join(f"{value:.10f}" for value in numpy.asarray(values).flatten())


def main():
    gate, up, down = sines(1, WIDTH, HIDDEN), sines(101, WIDTH, HIDDEN), sines(201, HIDDEN, WIDTH)
    inputs, gates = sines(301, TOKENS, HIDDEN), 0.5 + 0.4 * sines(501, TOKENS, 1)
    hidden = inputs @ gate.T
    neurons = hidden / (1 + numpy.exp(-hidden)) * (inputs @ up.T)
    weighted = gates * neurons
    gram = weighted.T @ weighted
    importance = numpy.diag(gram) * (down**2).sum(0)
    kept = numpy.sort(numpy.argsort(-importance, kind="stable")[:KEPT])
    removed = numpy.setdiff1d(numpy.arange(WIDTH), kept)
    own = gram[numpy.ix_(kept, kept)]
    ridge = RIDGE * numpy.trace(own) / KEPT * numpy.eye(KEPT)
    refitted = down[:, kept] + down[:, removed] @ gram[numpy.ix_(removed, kept)] @ numpy.linalg.inv(own + ridge)
    print("importance", literal(importance))
    print("kept", ", ".join(map(str, kept)))
    print("refitted", literal(refitted))


if __name__ == "__main__":
    main()

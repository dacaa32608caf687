"""Times smelt's assignment solver against scipy.optimize.linear_sum_assignment, one call each in turn.

usage: assignment.py JAVA_COMMAND...      (see assignment.sh)

Kinds of cost matrices, float32:
  uniform       independent uniform values
  copies        -A B' / h, where B is A with its rows permuted plus noise of half A's size: neurons that match clearly
  noisy         the same with noise of 4 times A's size and h = 256: some matches are ambiguous
  unrelated     the same with noise only: experts that share nothing
  blocks        the same as `noisy`, but the neurons form 16 clusters around common centres
SciPy is timed on the float32 matrix, as a caller would pass it, and on a float64 copy made beforehand, which spares
it the conversion. smelt is timed from float32 values in native memory to the permutation, check for finite values
included. Both have one thread. The sums of both solutions must agree.
"""

import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.optimize import linear_sum_assignment

SIZES = (512, 1024, 2048, 4096)
KINDS = ("uniform", "copies", "noisy", "unrelated", "blocks")
REPEATS = {512: 15, 1024: 11, 2048: 7, 4096: 5}
WARM_UP = 12


def costs(kind, n, seed):
    random = np.random.default_rng(seed)
    if kind == "uniform":
        return random.random((n, n), dtype=np.float32)
    h = {"copies": n // 2, "noisy": 256, "unrelated": n // 2, "blocks": 256}[kind]
    noise = {"copies": 0.5, "noisy": 4.0, "unrelated": 1.0, "blocks": 1.0}[kind]
    a = random.standard_normal((n, h), dtype=np.float32)
    if kind == "blocks":
        centres = random.standard_normal((16, h), dtype=np.float32)
        a = 0.3 * a + centres[np.arange(n) * 16 // n]
    signal = 0.0 if kind == "unrelated" else 1.0
    b = signal * a[random.permutation(n)] + noise * random.standard_normal((n, h), dtype=np.float32)
    return -(a @ b.T) / np.float32(h)


def timed_scipy(matrix):
    start = time.perf_counter()
    rows, columns = linear_sum_assignment(matrix)
    return (time.perf_counter() - start) * 1e3, float(matrix[rows, columns].astype(np.float64).sum())


class Smelt:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def timed(self, path, n):
        self.process.stdin.write(f"{path} {n}\n")
        self.process.stdin.flush()
        total, solve, value = self.process.stdout.readline().split()
        return int(total) / 1e6, int(solve) / 1e6, float(value)


def main():
    smelt = Smelt(sys.argv[1:])
    print("| n | costs | smelt ms | solver alone ms | SciPy float32 ms | SciPy float64 ms | smelt / SciPy (float64) |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "costs")
        for kind in KINDS:
            costs(kind, 256, 0).tofile(path)
            for _ in range(WARM_UP):
                smelt.timed(path, 256)
        for n in SIZES:
            for kind in KINDS:
                row(smelt, path, n, kind)


def row(smelt, path, n, kind):
    single = costs(kind, n, n)
    double = single.astype(np.float64)
    single.tofile(path)
    times = []
    for _ in range(REPEATS[n]):
        total, solve, value = smelt.timed(path, n)
        single_ms, _ = timed_scipy(single)
        double_ms, expected = timed_scipy(double)
        assert abs(value - expected) <= 1e-9 * max(1.0, abs(expected)), (kind, n, value, expected)
        times.append((total, solve, single_ms, double_ms))
    medians = np.median(times, axis=0)
    numbers = " | ".join(f"{x:.1f}" for x in medians)
    print(f"| {n} | {kind} | {numbers} | {medians[0] / medians[3]:.2f} |", flush=True)


if __name__ == "__main__":
    main()

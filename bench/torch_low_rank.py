"""The factors of one matrix with torch.linalg, plain and whitened: the baseline of `smelt compress --method low-rank`.

usage: torch_low_rank.py [ROWS COLUMNS RANK REPETITIONS]
Prints a line of JSON for each kind, in median milliseconds. Whitened is Cholesky with a ridge, product, decomposition and
triangular solve; `float64` does what smelt does, all but the decomposition in float64, `float32` everything in float32.
"""

import json
import statistics
import sys
import time

import torch

RIDGE = 1e-4


def factors(seen, rank):
    u, values, vt = torch.linalg.svd(seen.float(), full_matrices=False)
    roots = values[:rank].sqrt()
    return u[:, :rank] * roots, vt[:rank] * roots[:, None]


def whitened(weight, gram, rank, dtype):
    gram, weight = gram.to(dtype), weight.to(dtype)
    ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=dtype)
    lower = torch.linalg.cholesky(gram + ridge)
    left, right = factors(weight @ lower, rank)
    return left, torch.linalg.solve_triangular(lower, right.to(dtype), upper=False, left=False).float()


def main():
    rows, columns, rank, repetitions = [*map(int, sys.argv[1:]), *(1024, 2048, 256, 5)[len(sys.argv) - 1 :]]
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(rows, columns, generator=generator)
    inputs = torch.randn(2 * columns, columns, generator=generator)
    gram = inputs.T @ inputs
    kinds = {
        "plain": lambda: factors(weight, rank),
        "whitened, float64": lambda: whitened(weight, gram, rank, torch.float64),
        "whitened, float32": lambda: whitened(weight, gram, rank, torch.float32),
    }
    for kind, work in kinds.items():
        times = []
        for _ in range(repetitions + 1):
            start = time.perf_counter()
            work()
            times.append(1e3 * (time.perf_counter() - start))
        print(json.dumps({"kind": kind, "ms": round(statistics.median(times[1:]), 1)}))


if __name__ == "__main__":
    main()

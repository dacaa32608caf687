"""Aligning one pair of gated experts with torch and SciPy: the baseline of smelt's alignment by weights.

usage: torch_align.py [--neurons 2048] [--hidden 1024] [--repeats 7] [--threads N]
Prints one JSON object per kind of pair, in median milliseconds: `copy` is a permuted copy with noise of half its size,
`unrelated` is another random expert. The score is that of tools/reference/msmoe_reference.py, in float32.
"""

import argparse
import json
import statistics
import time

import torch
from scipy.optimize import linear_sum_assignment


def canonical(up, down):
    c = (down.norm(dim=0) / up.norm(dim=1)).sqrt()
    return up * c[:, None], down / c


def product(a, b):
    return (a @ b.T) / (a.norm() * b.norm())


def score(reference, member):
    (up_r, down_r), (up_t, down_t) = canonical(*reference[1:]), canonical(*member[1:])
    signed = product(up_r, up_t) + product(down_r.T, down_t.T)
    return product(reference[0], member[0]) + signed.abs()


def pair(kind, neurons, hidden):
    generator = torch.Generator().manual_seed(1)
    shapes = ((neurons, hidden), (neurons, hidden), (hidden, neurons))
    reference = [torch.randn(shape, generator=generator) for shape in shapes]
    member = [torch.randn(shape, generator=generator) for shape in shapes]
    if kind == "copy":
        order = torch.randperm(neurons, generator=generator)
        gate, up, down = reference
        member = [m + 0.5 * n for m, n in zip((gate[order], up[order], down[:, order]), member)]
    return reference, member


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=2048)
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for kind in ("copy", "unrelated"):
        reference, member = pair(kind, arguments.neurons, arguments.hidden)
        score(reference, member)
        times = []
        for _ in range(arguments.repeats):
            start = time.perf_counter()
            costs = score(reference, member)
            middle = time.perf_counter()
            linear_sum_assignment(costs.numpy(), maximize=True)
            end = time.perf_counter()
            times.append((1e3 * (middle - start), 1e3 * (end - middle), 1e3 * (end - start)))
        medians = [round(statistics.median(column), 1) for column in zip(*times)]
        names = ("score_ms", "assignment_ms", "total_ms")
        print(json.dumps({"pair": kind, "threads": arguments.threads, **dict(zip(names, medians))}))


if __name__ == "__main__":
    main()

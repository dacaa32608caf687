"""Prints the reports of several runs of `smelt compare` as one Markdown table: mean and spread of the loss over the runs.

usage: quality.py RUN/compare.json...
"""

import collections
import json
import math
import statistics
import sys


def cell(values, original):
    """Mean loss, its standard deviation over the runs, and how much the perplexity grows."""
    if not values:
        return "not measured"
    mean = statistics.mean(values)
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean:.3f}{spread} ({math.exp(mean - original) - 1:+.1%})"


def main():
    reports = []
    for path in sys.argv[1:]:
        with open(path) as file:
            reports.append(json.load(file))
    original = statistics.mean(report["original"]["loss"] for report in reports)
    losses, seconds = collections.defaultdict(list), collections.defaultdict(list)
    for report in reports:
        for result in report["results"]:
            losses[result["method"], result["ratio"]].append(result["loss"])
            seconds[result["method"]].append(result["seconds"])
    first, ratios = reports[0], sorted({ratio for _, ratio in losses})
    counts = ", ".join(f"{max(len(losses[method, ratio]) for method in seconds)} at {ratio:.0%}" for ratio in ratios)
    print(f"{first['model']}: original {original:.3f}; draws of {first['statistics']['tokens']:,} tokens: {counts}\n")
    print("| method | " + " | ".join(f"{ratio:.0%} fewer" for ratio in ratios) + " | seconds |")
    print("|---" * (len(ratios) + 2) + "|")
    for method in seconds:
        cells = [cell(losses[method, ratio], original) for ratio in ratios]
        print(f"| {method} | " + " | ".join(cells) + f" | {statistics.median(seconds[method]):.1f} |")


if __name__ == "__main__":
    main()

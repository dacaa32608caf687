"""Measures what unlearning one expert buys, and writes docs/quality-unlearning.md.

usage: unlearn_quality.py --model DIR ... --data DIR [--smelt ./smelt] [--work target/unlearn-quality] [--only SET[,SET]] [--page FILE]
The data directory holds DOMAIN.train.txt and DOMAIN.validation.txt. Runs that are finished in the work directory, which has a
directory for each model, are not repeated, so an interrupted script goes on; rows that are missing are left out of the page.
Needs Python alone.
"""

import argparse
import itertools
import json
import math
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
SETS = ("kjv", "java", "man_de")
OTHERS = ("austen", "docs_pg", "java", "kjv", "man_de", "man_en")
LOSSES = {
    "ga": ("--loss", "ga"),
    "gdiff": ("--loss", "gdiff", "--retain-weight", "4"),
    "npo": ("--loss", "npo", "--beta", "0.005", "--retain-weight", "1000"),
    "simnpo": ("--loss", "simnpo", "--beta", "0.5", "--retain-weight", "2"),
    "rmu": ("--loss", "rmu"),
    "rmu-adaptive": ("--loss", "rmu-adaptive"),
}
VARIANTS = {
    "one expert, anchor": ("--lr", "1e-3"),
    "one expert, no anchor": ("--lr", "1e-3", "--anchor", "0"),
    "random expert": ("--lr", "1e-3", "--select", "random"),
    "whole layer": ("--lr", "5e-4", "--train", "layer"),
    "whole model": ("--lr", "2e-4", "--train", "all"),
}
# Everything; what says most comes first.
PLAN = [(name, loss, variant) for loss in ("rmu", "gdiff") for variant in VARIANTS for name in SETS]
PLAN += [(name, loss, "one expert, anchor") for loss in LOSSES for name in SETS]
PLAN += [(name, loss, variant) for name in SETS for loss in LOSSES for variant in VARIANTS]
PLAN = list(dict.fromkeys(PLAN))
COMMON = ("--length", "256", "--threads", "1", "--compute", "f32", "--quiet")
TRAINING = ("--sequences", "96", "--batch", "4", "--steps", "60", "--check-every", "3", "--stop", "forget=3x")
REPORT = ("--windows", "40", "--continuations", "0", "--relearn", "5")


def run(command, allowed=(0,)):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode not in allowed:
        print(f"exit code {done.returncode} of {' '.join(map(str, command))}\n{done.stderr}", file=sys.stderr)
        return None
    return done


def result_file(arguments, model, name, loss, variant):
    return arguments.work / model.name / f"{name}-{loss}-{variant.replace(',', '').replace(' ', '-')}.json"


def cell(arguments, model, name, loss, variant):
    """Runs one cell unless its numbers are there already; returns them."""
    result = result_file(arguments, model, name, loss, variant)
    if result.exists():
        return json.loads(result.read_text())
    data, output = arguments.data, result.with_suffix("")
    retain = [data / f"{other}.train.txt" for other in OTHERS if other != name]
    unseen = [data / f"{other}.validation.txt" for other in OTHERS if other != name]
    command = [arguments.smelt, "unlearn", model, "-o", output, "--force", "--forget", data / f"{name}.train.txt"]
    command += ["--retain", *retain, *TRAINING, *COMMON, *LOSSES[loss], *VARIANTS[variant]]
    if run(command, allowed=(0, 5)) is None:
        return None
    command = [arguments.smelt, "forget-report", model, output, "--forget", data / f"{name}.validation.txt"]
    done = run(command + ["--retain", *unseen, *REPORT, *COMMON, "--json"])
    if done is None:
        return None
    numbers = {"training": json.loads((output / "smelt-report.json").read_text()), "report": json.loads(done.stdout)}
    result.write_text(json.dumps(numbers))
    print(f"{model.name}, {name}, {loss}, {variant}: done", flush=True)
    return numbers


def row(loss, variant, numbers):
    training, report = numbers["training"], numbers["report"]
    forget, retain, relearnt = report["forget"], report["retain"], report["relearning"]
    factor = math.exp(forget["after"]["loss"] - forget["before"]["loss"])
    lost = retain["after"]["loss"] - retain["before"]["loss"]
    rise = 100 * (math.exp(lost) - 1)
    gap = [now["loss"] - then["loss"] for then, now in zip(relearnt["before"], relearnt["after"])]
    closed = f"{100 * (1 - gap[-1] / gap[0]):.0f} %" if gap[0] > 0.05 else "-"
    back = forget["after"]["loss"] - forget["before"]["loss"]
    rerouted = f"{100 * (forget['after']['loss'] - forget['forcedLoss']) / back:.0f} %" if back > 0.05 else "-"
    ended = training["outcome"] + f", step {training['bestStep']}"
    cells = (loss, variant, f"{100 * training['trainedShare']:.2f} %", ended, f"{forget['after']['loss']:.3f}", f"{factor:.2f}x")
    price = f"{back / lost:.0f}" if lost > 0.0005 else "-"
    cells += (f"{retain['after']['loss']:.3f}", f"{rise:+.1f} %", price, f"{100 * forget['routingOverlap']:.0f} %")
    cells += (f"{forget['forcedLoss']:.3f}", rerouted, closed)
    return "| " + " | ".join(cells) + " |"


HEADER = """# Quality of unlearning

Written by `bench/unlearn_quality.py`; numbers of one run with seed 0, in F32, on small models that were trained on twelve
domains. One domain is forgotten, the others are kept. All rows train until the
perplexity on held-out windows of the forget set has tripled, or for 60 steps, so that rows can be compared at about the same
forgetting; there is no limit on the retain set here. Measures are on validation text that was not trained on, neither by the
model nor in unlearning (40 windows of 256 tokens for each set, evenly spread over its files).

- forget, retain: loss in nats, and its change as a factor or a percentage of the perplexity
- per nat: nats forgotten for each nat that the kept domains lose
- overlap: share of the chosen experts on forget tokens that were chosen before too
- forced: forget loss with the routing of the model before; rerouted: the part of the rise that goes back with it
- relearnt: part of the rise that is gone after 5 steps of fine-tuning all weights on forget text
"""
TABLE = """
| loss | trained | weights | ended | forget | | retain | | per nat | overlap | forced | rerouted | relearnt |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def page(arguments, cells):
    lines = [HEADER, (ROOT / "bench/unlearn_findings.md").read_text().strip()]
    for model, name in itertools.product(arguments.model, SETS):
        order = [(loss, variant, cells.get((model, name, loss, variant))) for loss in LOSSES for variant in VARIANTS]
        rows = [entry for entry in order if entry[2]]
        if rows:
            before = rows[0][2]["report"]
            lines.append(f"\n## {model.name} forgets {name}\n")
            lines.append(f"Before: forget loss {before['forget']['before']['loss']:.3f}, retain loss {before['retain']['before']['loss']:.3f}.")
            lines.append(TABLE)
            lines += [row(*entry) for entry in rows]
    arguments.page.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--smelt", default=ROOT / "smelt")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/unlearn-quality")
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs/quality-unlearning.md")
    parser.add_argument("--only", default="", help="forget sets to run, separated by commas")
    parser.add_argument("--most", type=int, default=10**6, help="cells to run now; 0 only writes the page from what is there")
    arguments = parser.parse_args()
    cells = {}
    for model in arguments.model:
        (arguments.work / model.name).mkdir(parents=True, exist_ok=True)
    for key in [(model, *key) for model in arguments.model for key in PLAN]:
        finished = result_file(arguments, *key).exists()
        if finished or (arguments.most > 0 and (not arguments.only or key[1] in arguments.only.split(","))):
            cells[key] = cell(arguments, *key)
            arguments.most -= not finished
    page(arguments, cells)
    return 0


if __name__ == "__main__":
    sys.exit(main())

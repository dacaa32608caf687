"""Perplexity against size for everything that `smelt compress` does: the table of docs/quality-compression.md.

usage: compression.py [--java JAVA] [--work target/quality-compression] [--only WORD] [--recover]
Calibrates on one text and evaluates on another that shares nothing with it; prints a Markdown table for each model.
With --recover every compressed checkpoint is distilled from the original afterwards, and evaluated again.
"""

import argparse
import json
import pathlib
import shutil
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/clients"))

from check_families import Batch  # noqa: E402  (the path is set just above)

MODELS = (("olmoe-3m", ROOT / "examples/quickstart/model"), ("mixtral-5m", ROOT / "examples/models/mixtral-5m"))
CALIBRATION = ROOT / "examples/quickstart/calibration.txt"
VALIDATION = ROOT / "examples/quickstart/validation.txt"
TEXT = ("--text", CALIBRATION, "--sequences", "256", "--length", "256")
SHARES = (0.5, 0.35, 0.2)


def compress(method, share, *options):
    return f"{method} {' '.join(o for o in options if o.startswith('--'))}".strip(), share, ("compress", "--method", method, "--parameter-ratio", share, *options)


def variants():
    """Title, share of the expert parameters that is left, and the command."""
    for share in SHARES:
        yield compress("low-rank", share)
        yield compress("low-rank", share, "--whiten")
        yield compress("low-rank", share, "--whiten", "--allocation", "global")
        yield compress("low-rank", share, "--whiten", "--sequential")
        yield compress("low-rank-sparse", share, "--whiten", "--keep", "0.05")
        yield compress("shared-delta", share, "--whiten")
    yield "merge to half, refit", 0.5, ("merge", "--ratio", "0.5", "--repair", "refit")
    for share in SHARES:
        yield "MC-SMoE: merge to half, then low-rank-sparse", share, None


def recipe(model, share, output):
    """Merge to half of the experts, then factors for what is left of the budget, in one pass."""
    config = json.loads((model / "config.json").read_text())
    experts = config.get("num_experts", config.get("num_local_experts"))
    merged = experts // 2 if share < 0.5 else experts * 3 // 4
    steps = [
        {"merge": {"experts": merged, "repair": "fit", "sequences": 256, "length": 256}},
        {"compress": {"method": "low-rank-sparse", "parameter-ratio": round(share * experts / merged, 4), "keep": 0.05, "whiten": True}},
    ]
    return json.dumps({"model": str(model), "output": str(output), "text": str(CALIBRATION), "steps": steps})


def perplexity(smelt, model):
    return json.loads(smelt("evaluate", model, "--text", VALIDATION, "--compute", "f32", "--json"))["perplexity"]


def made(smelt, model, share, command, output):
    """Runs a variant. Returns seconds and report."""
    start = time.monotonic()
    if command:
        smelt(*command, model, "-o", output, *TEXT, "--compute", "f32")
    else:
        file = output.with_suffix(".yaml")
        file.write_text(recipe(model, share, output))
        smelt("run", file)
    return time.monotonic() - start, json.loads((output / "smelt-report.json").read_text())


def numbers(report):
    """Shares of expert parameters and FLOPs per token that are left, as far as the report has them."""
    if isinstance(report.get("before"), dict):
        before, after = report["before"], report["after"]
        return after["expertParameters"] / before["expertParameters"], after["flopsPerToken"] / before["flopsPerToken"]
    return report["expertsAfter"] / report["expertsBefore"], 1.0


def table(smelt, name, model, work, only, recover):
    original = perplexity(smelt, model)
    print(f"\n### {name}, perplexity {original:.3f}\n")
    columns = ["method", "expert parameters", "FLOPs per token", "perplexity", "change", "seconds"]
    print("| " + " | ".join(columns + (["after recover"] if recover else [])) + " |")
    print("|" + "---|" * (len(columns) + bool(recover)))
    for title, share, command in variants():
        if only not in title:
            continue
        output = work / f"{title}-{share}".replace(" ", "-").replace(":", "").replace(",", "")
        seconds, report = made(smelt, model, share, command, output)
        parameters, flops = numbers(report)
        after = perplexity(smelt, output)
        row = [title, f"{parameters:.1%}", f"{flops:.1%}", f"{after:.3f}", f"{after / original - 1:+.1%}", f"{seconds:.1f}"]
        if recover:
            trained = output.with_name(output.name + "-recovered")
            smelt("recover", output, "--teacher", model, "--text", CALIBRATION, "-o", trained)
            row.append(f"{perplexity(smelt, trained):.3f}")
        print("| " + " | ".join(row) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java", help="a Java 25")
    parser.add_argument("--classpath", default=f"{ROOT}/cli/target/smelt/lib/*", help="where smelt's classes are")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/quality-compression")
    parser.add_argument("--model", choices=[name for name, _ in MODELS], help="only this model")
    parser.add_argument("--only", default="", help="only variants whose title has this word")
    parser.add_argument("--recover", action="store_true", help="distil afterwards")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    smelt = Batch(arguments.java, arguments.classpath)
    for name, model in [(n, m) for n, m in MODELS if arguments.model in (None, n)]:
        work = arguments.work / name
        work.mkdir(parents=True)
        table(smelt, name, model, work, arguments.only, arguments.recover)
    smelt.close()


if __name__ == "__main__":
    main()

"""Perplexity against size for everything that `smelt compress` does: the tables of docs/quality-compression.md.

usage: compression.py [--java JAVA] [--work target/quality-compression] [--model NAME] [--only WORDS]
                      [--calibration FILE ...] [--validation FILE ...]
                      [--recover TOKENS [--mode MODE] [--recovery-text FILE ...] [--recover-only WORDS ...] [--rate R] [--batch TOKENS]]
Calibrates on one text and evaluates on another that shares nothing with it, by default those of the quickstart. With --recover the
compressed checkpoints are distilled from the original afterwards, with at most TOKENS tokens in all steps together (of each layer,
where the mode is layerwise), and evaluated again. The mode `both` goes on end to end where layerwise ended.

Each number is stored under --work as soon as it is known. A run that was stopped goes on where it was, and one with other words
adds its rows to those that are there; remove the directory to measure anew. The tables at the end have all rows that are known.
"""

import argparse
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/clients"))

from check_families import Batch  # noqa: E402  (the path is set just above)

MODELS = {"olmoe-3m": ROOT / "examples/quickstart/model", "mixtral-5m": ROOT / "examples/models/mixtral-5m"}
CALIBRATION = ROOT / "examples/quickstart/calibration.txt"
VALIDATION = ROOT / "examples/quickstart/validation.txt"
LENGTH, SEQUENCES = 256, 256
SHARES = (0.5, 0.35, 0.2)
MODES = ("end-to-end", "layerwise", "both")
METHODS = {
    "low-rank": ("low-rank",),
    "low-rank, whitened": ("low-rank", "--whiten"),
    "low-rank, whitened, global": ("low-rank", "--whiten", "--allocation", "global"),
    "low-rank-sparse, whitened": ("low-rank-sparse", "--whiten", "--keep", "0.05"),
    "shared-delta, whitened": ("shared-delta", "--whiten"),
    "shared-delta, whitened, fisher": ("shared-delta", "--whiten", "--base", "fisher"),
    "slim": ("slim",),
}


def calibrated(arguments):
    return "--text", *arguments.calibration, "--sequences", SEQUENCES, "--length", LENGTH, "--compute", "f32", "--force"


def number_of_experts(model):
    config = json.loads((model / "config.json").read_text())
    return config.get("num_experts", config.get("num_local_experts"))


def merge(model, share, output, _):
    """Merge only, to the nearest number of experts, refitted."""
    experts = max(2, round(share * number_of_experts(model)))
    return ("merge", model, "-o", output, "--experts", experts, "--repair", "refit", "--self-generated", 0)


def both(model, share, output, arguments, method):
    """Merge to three quarters or half of the experts, then a method for the rest of the budget."""
    all_of_them = number_of_experts(model)
    merged = all_of_them // 2 if share <= 0.2 and "whiten" in method else all_of_them * 3 // 4
    budget = {"parameter-ratio": round(share * all_of_them / merged, 4)}
    merging = {"experts": merged, "repair": "refit", "sequences": SEQUENCES, "self-generated": 0}
    steps = [{"merge": merging}, {"compress": method | budget}]
    file = output.with_suffix(".yaml")
    recipe = {"model": str(model), "output": str(output), "length": LENGTH, "compute": "f32"}
    recipe["text"] = [str(text.resolve()) for text in arguments.calibration]
    file.write_text(json.dumps(recipe | {"steps": steps}))
    return ("run", file, "--force")


def sparse(model, share, output, arguments):
    """MC-SMoE, merge and compress in one pass."""
    return both(model, share, output, arguments, {"method": "low-rank-sparse", "keep": 0.05, "whiten": True})


def slim(model, share, output, arguments):
    return both(model, share, output, arguments, {"method": "slim", "sequences": SEQUENCES})


def compress(method, *options):
    return lambda model, share, output, _: (
        *("compress", model, "-o", output, "--method", method, "--parameter-ratio", share, *options),
    )


def variants():
    """Title, share of the expert parameters that is asked for, and what makes the command."""
    for share in SHARES:
        yield "merge, refit", share, merge
        for title, words in METHODS.items():
            yield title, share, compress(*words)
        yield "MC-SMoE", share, sparse
        yield "merge, then slim", share, slim


def shares(report):
    """Shares of expert parameters and FLOPs per token that are left, as far as the report has them."""
    if isinstance(report.get("before"), dict):
        before, after = report["before"], report["after"]
        return after["expertParameters"] / before["expertParameters"], after["flopsPerToken"] / before["flopsPerToken"]
    return report["expertsAfter"] / report["expertsBefore"], 1.0


class Row:
    """One variant of one model: a file with what is known of it, and its checkpoint."""

    def __init__(self, work, title, share):
        self.title, self.share = title, share
        name = self.name().replace(" ", "-").replace(",", "")
        self.output, self.file = work / name, work / f"{name}.json"
        self.known = json.loads(self.file.read_text()) if self.file.exists() else {}

    def name(self):
        return f"{self.title} {100 * self.share:.0f}"

    def put(self, **values):
        self.known |= values
        self.file.write_text(json.dumps(self.known, indent=1))


class Bench:
    def __init__(self, arguments):
        self.smelt, self.arguments = Batch(arguments.java, arguments.classpath), arguments

    def run(self, *words):
        start = time.monotonic()
        self.smelt(*words, *(("--threads", self.arguments.threads) if words[0] != "run" else ()))
        return round(time.monotonic() - start, 1)

    def perplexity(self, model):
        words = ("--text", *self.arguments.validation, "--length", LENGTH, "--compute", "f32", "--threads", self.arguments.threads, "--json")
        return json.loads(self.smelt("evaluate", model, *words))["perplexity"]

    def make(self, model, row, command):
        words = command(model, row.share, row.output, self.arguments)
        seconds = self.run(*words, *(calibrated(self.arguments) if words[0] != "run" else ()))
        parameters, flops = shares(json.loads((row.output / "smelt-report.json").read_text()))
        row.put(parameters=parameters, flops=flops, seconds=seconds, perplexity=self.perplexity(row.output))

    def recover(self, model, row, mode):
        if mode == "both" and "layerwise" not in row.known:
            self.recover(model, row, "layerwise")
        student = self.trained(row, "layerwise") if mode == "both" else row.output
        tokens, text, batch = self.arguments.recover, self.arguments.recovery_text, self.arguments.batch
        layerwise = mode == "layerwise"
        words = ("recover", student, "--teacher", model, "-o", self.trained(row, mode), "--force", "--compute", "f32")
        words += ("--text", *text, "--sequences", min(tokens // LENGTH, 8192), "--length", LENGTH, "--pack")
        words += ("--batch", batch, "--steps", tokens // batch, "--mode", "layerwise" if layerwise else "end-to-end")
        words += () if layerwise else ("--rate", self.arguments.rate, "--teacher-weight", 1)
        seconds = self.run(*words, "--resume", self.trained(row, mode).with_suffix(".state"))
        result = {"tokens": tokens // batch * batch, "seconds": seconds, "perplexity": self.perplexity(self.trained(row, mode))}
        row.put(**{mode: result})

    @staticmethod
    def trained(row, mode):
        return row.output.with_name(f"{row.output.name}-{mode}")


def rows(model, work):
    return [(Row(work, title, share), command) for title, share, command in variants()]


def table(name, original, known):
    print(f"\n### {name}, perplexity {original:.3f}\n")
    print("| method | expert parameters | FLOPs per token | before recovery | end to end | layerwise | layerwise, then end to end |")
    print("|---" * 7 + "|")
    for row in known:
        values = row.known
        cells = [row.title, f"{values['parameters']:.1%}", f"{values['flops']:.1%}", change(values["perplexity"], original)]
        cells += [recovered(values[mode], original) if mode in values else "" for mode in MODES]
        print("| " + " | ".join(cells).replace("%", " %") + " |")


def change(perplexity, original):
    return f"{perplexity:.2f} ({perplexity / original - 1:+.1%})"


def recovered(result, original):
    return f"{change(result['perplexity'], original)}, {result['tokens']:,} tokens"


def measure(bench, name, model, arguments):
    work = arguments.work / name
    work.mkdir(parents=True, exist_ok=True)
    original = Row(work, "original", 1)
    if not original.known:
        original.put(perplexity=bench.perplexity(model))
    everything = rows(model, work)
    for row, command in everything:
        if arguments.only in row.name() and not row.known:
            bench.make(model, row, command)
            print(f"{name}, {row.name()}: {row.known}", file=sys.stderr, flush=True)
    for row, _ in everything:
        wanted = arguments.recover and any(words in row.name() for words in arguments.recover_only)
        done = row.known.get(arguments.mode, {}).get("tokens", 0) if row.known else 0
        if wanted and row.known and done < arguments.recover // arguments.batch * arguments.batch:
            bench.recover(model, row, arguments.mode)
            print(f"{name}, {row.name()}: {row.known}", file=sys.stderr, flush=True)
    table(name, original.known["perplexity"], [row for row, _ in everything if row.known])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java", help="a Java 25")
    parser.add_argument("--classpath", default=f"{ROOT}/cli/target/smelt/lib/*", help="where smelt's classes are")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/quality-compression")
    parser.add_argument("--model", choices=list(MODELS), help="only this model")
    parser.add_argument("--only", default="", help="only variants whose title and share have these words")
    parser.add_argument("--calibration", nargs="+", type=pathlib.Path, default=[CALIBRATION])
    parser.add_argument("--validation", nargs="+", type=pathlib.Path, default=[VALIDATION])
    parser.add_argument("--recover", type=int, default=0, metavar="TOKENS", help="distil afterwards")
    parser.add_argument("--mode", choices=MODES, default="end-to-end", help="how to distil")
    parser.add_argument("--recover-only", nargs="+", default=[""], help="distil only variants whose title and share have one of these")
    parser.add_argument("--recovery-text", nargs="+", default=[CALIBRATION], help="what is distilled on")
    parser.add_argument("--rate", default="0.002", help="largest rate of the recovery end to end")
    parser.add_argument("--batch", type=int, default=2048, help="tokens of a step of the recovery")
    parser.add_argument("--threads", default="2")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    for name, model in MODELS.items():
        if arguments.model in (None, name):
            measure(bench, name, model, arguments)
    bench.smelt.close()


if __name__ == "__main__":
    main()

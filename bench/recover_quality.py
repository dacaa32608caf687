"""Perplexity of smaller models before and after `smelt recover`, as a table.

usage: recover_quality.py MODEL --text FILE ... --validation FILE ... [--smelt ./smelt] [--work target/recover-quality]
                          [--steps N] [--batch N] [--variants NAME ...]
Perplexity is the mean of the losses of the validation files, exponentiated; windows of 512 tokens. Recovery sees at most
steps * batch tokens. Validation text must not overlap with the other.
"""

import argparse
import json
import math
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
VARIANTS = {
    "drop 50 %": ("drop", "--ratio", "0.5", "--repair", "none"),
    "drop 50 %, fitted": ("drop", "--ratio", "0.5", "--repair", "fit", "--self-generated", "0"),
    "slim 75 %": ("compress", "--method", "slim", "--parameter-ratio", "0.75"),
    "slim 50 %": ("compress", "--method", "slim", "--parameter-ratio", "0.5"),
    "slim 50 %, no refit": ("compress", "--method", "slim", "--parameter-ratio", "0.5", "--no-refit"),
    "slim 35 %": ("compress", "--method", "slim", "--parameter-ratio", "0.35"),
    "slim 20 %": ("compress", "--method", "slim", "--parameter-ratio", "0.2"),
}


def run(arguments, *words):
    done = subprocess.run([str(arguments.smelt), *map(str, words), "--quiet"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"exit code {done.returncode} of {' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def loss(arguments, model):
    words = ("evaluate", model, "--text", *arguments.validation, "--length", 512, "--compute", "f32", "--json")
    files = json.loads(run(arguments, *words, *arguments.more))["files"]
    return sum(file["loss"] for file in files) / len(files)


def row(name, bytes_, before, original):
    change = 100 * (math.exp(before - original) - 1)
    return f"| {name} | {bytes_ / 1e6:.2f} | {math.exp(before):.3f} | {change:+.1f} % |"


def size(model):
    return sum(path.stat().st_size for path in model.glob("*.safetensors"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--text", nargs="+", required=True)
    parser.add_argument("--validation", nargs="+", required=True)
    parser.add_argument("--smelt", type=pathlib.Path, default=ROOT / "smelt")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/recover-quality")
    parser.add_argument("--steps", type=int, default=480)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--rate", default="0.001")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--recover", nargs="*", default=["layerwise", "end-to-end"])
    parser.add_argument("--more", nargs="*", default=["--threads=1"], help="options of every command, written with =")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    original = loss(arguments, arguments.model)
    print("| model | MB | perplexity | change |\n|---|---|---|---|")
    print(row("original", size(arguments.model), original, original), flush=True)
    sequences = arguments.steps * arguments.batch // 512
    for name in arguments.variants:
        out = arguments.work / name.replace(" ", "-").replace("%", "").replace(",", "")
        calibration = ("--text", *arguments.text, "--sequences", 384, "--length", 256, "--force")
        if not out.exists():
            run(arguments, VARIANTS[name][0], arguments.model, "-o", out, *VARIANTS[name][1:], *calibration, *arguments.more)
        print(row(name, size(out), loss(arguments, out), original), flush=True)
        for mode in arguments.recover:
            target = out.with_name(out.name + "-" + mode)
            words = ["recover", out, "--teacher", arguments.model, "-o", target, "--mode", mode, "--force", "--compute", "f32"]
            words += ["--text", *arguments.text, "--batch", arguments.batch, "--sequences", sequences, "--length", 512, "--pack"]
            layers = json.loads((arguments.model / "config.json").read_text())["num_hidden_layers"]
            words += (
                ["--steps", arguments.steps, "--rate", arguments.rate]
                if mode == "end-to-end"
                else ["--steps", arguments.steps // layers]
            )
            start = time.time()
            run(arguments, *words, *arguments.more)
            label = f"{name}, then {mode} ({time.time() - start:.0f} s)"
            print(row(label, size(target), loss(arguments, target), original), flush=True)


if __name__ == "__main__":
    main()

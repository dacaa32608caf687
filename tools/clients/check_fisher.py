"""Checks the bases of `smelt compress --method shared-delta --base fisher` against autograd of PyTorch.

usage: check_fisher.py [--java JAVA] [--work target/fisher] [NAME ...]
Stock transformers reads the tiny checkpoints of the tests and computes the gradient of the loss of one sequence after the other,
through the whole model at once. The base of each matrix that smelt wrote in F32 must be the mean of the experts' weights by the
squares of these gradients. Prints a line for each check and ends with `N passed, M failed`; exits with 1 if one failed.
"""

import argparse
import pathlib
import shutil
import sys

import numpy
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers.utils import logging

from check_families import GOLDENS, ROOT, Batch, stock
from clients import Checks

NAMES = ("mixtral", "qwen3_moe", "qwen2_moe", "olmoe", "deepseek_v3")
SEQUENCES, LENGTH, VOCABULARY = 8, 24, 96
TOLERANCE = 1e-4
# What another choice of sequences changes at least.
OTHER = 0.05


def matrices(block):
    """Gate, up and down of all experts, [experts, rows, columns], for tensors of the shapes of a block of experts."""
    gate, up = block["gate_up_proj"].chunk(2, 1)
    return {"gate": gate, "up": up, "down": block["down_proj"]}


def blocks(model):
    """The experts of every layer that has some, by the number of the layer."""
    layers = enumerate(model.model.layers)
    inner = ((number, getattr(getattr(layer, "mlp", None), "experts", None)) for number, layer in layers)
    return {number: experts for number, experts in inner if experts is not None}


def squares_of(model, sequence):
    """The squared gradients of the mean loss of one sequence, F64, by layer and matrix."""
    model.zero_grad()
    logits = model(sequence[None], use_cache=False).logits[0, :-1]
    cross_entropy(logits, sequence[1:]).backward()
    return {
        (number, part): gradient.double().square()
        for number, experts in blocks(model).items()
        for part, gradient in matrices({name: p.grad for name, p in experts.named_parameters()}).items()
    }


def bases(weights, squares):
    """The formula, and where it says something: where some expert has a gradient."""
    for key, experts in weights.items():
        information = sum(own[key] for own in squares)
        total = information.sum(0)
        yield key, (information * experts).sum(0) / total, total > 0


def stored(directory):
    """The bases that smelt wrote, by layer and matrix."""
    found = {}
    for name, tensor in load_file(directory / "model.safetensors").items():
        words = name.split(".")
        if words[-1].startswith("base_"):
            found[int(words[words.index("layers") + 1]), words[-1].removeprefix("base_")] = tensor.double()
    return found


def distance(written, weights, squares):
    """The largest relative error of all bases."""
    errors = []
    for key, base, known in bases(weights, squares):
        difference = (written[key] - base)[known]
        errors.append((difference.norm() / base[known].norm()).item())
    return max(errors)


def check_model(check, smelt, name, work):
    golden, output = GOLDENS / name, work / name
    ids = numpy.random.default_rng(7).integers(0, VOCABULARY, (SEQUENCES, LENGTH))
    work.mkdir(parents=True, exist_ok=True)
    numpy.save(work / f"{name}.npy", ids)
    text = ("--text", work / f"{name}.npy", "--sequences", SEQUENCES, "--length", LENGTH, "--compute", "f32")
    smelt("compress", golden, "-o", output, "--method", "shared-delta", "--base", "fisher", "--rank", 2, *text)
    model, _ = stock(golden)
    squares = [squares_of(model, sequence) for sequence in torch.from_numpy(ids)]
    parameters = {number: dict(experts.named_parameters()) for number, experts in blocks(model).items()}
    weights = {
        (number, part): values.detach().double()
        for number, own in parameters.items()
        for part, values in matrices(own).items()
    }
    written = stored(output)
    check(f"{name}: a base for every matrix of every layer", written.keys() == weights.keys(), f"{len(written)} bases")
    # smelt holds out one of eight sequences to judge errors; which one it is, is not written anywhere.
    errors = sorted(distance(written, weights, squares[:i] + squares[i + 1 :]) for i in range(SEQUENCES))
    detail = f"relative error {errors[0]:.1e}, with another sequence held out at least {errors[1]:.1e}"
    check(f"{name}: bases as in PyTorch", errors[0] <= TOLERANCE and errors[1] > OTHER, detail)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java", help="a Java 25")
    parser.add_argument("--classpath", default=f"{ROOT}/cli/target/smelt/lib/*", help="where smelt's classes are")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/fisher")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"tiny checkpoints; {', '.join(NAMES)} if none is named")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    check, smelt = Checks(), Batch(arguments.java, arguments.classpath)
    for name in arguments.names or NAMES:
        check_model(check, smelt, name, arguments.work.resolve())
    smelt.close()
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())

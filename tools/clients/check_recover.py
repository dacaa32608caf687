"""Checks `smelt recover` against the same training loop in PyTorch, and its resumption after a kill.

usage: check_recover.py [--smelt ./smelt] [--work target/recover]
Prints a line for each check and ends with `N passed, M failed`; exits with 1 if one failed. Students are made here from the
trained models under examples/. Nothing is downloaded.
"""

import argparse
import csv
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy, log_softmax
from transformers import AutoModelForCausalLM

from clients import Checks, Smelt, load, same_files, windows

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALIBRATION = ROOT / "examples/quickstart/calibration.txt"
MODELS = (ROOT / "examples/quickstart/model", ROOT / "examples/models/mixtral-5m")
LENGTH, SEQUENCES, HELD_OUT, STEPS = 64, 8, 4, 10
RATE, WARM_UP, CLIP, DECAY = 2e-3, 0.3, 0.5, 0.01
TEXT, TEACHER, HIDDEN, TEMPERATURE, LIKELIEST = 1.0, 0.4, 0.2, 2.0, 48
# Shares of the neurons beside factors before and after a pruning, and how the importance of a step counts.
NEURONS, KEEP, FRESH = 0.4, 0.1, 0.15


def rates():
    """A linear rise, then half a cosine."""
    rising = max(1, WARM_UP * STEPS)
    for step in range(STEPS):
        if step < rising:
            yield RATE * (step + 1) / (rising + 1)
        else:
            yield RATE * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, STEPS - rising)))


def run(model, ids):
    """Logits that predict a token, and the hidden states after each layer."""
    states = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: states.append(out[0] if isinstance(out, tuple) else out))
        for layer in model.model.layers
    ]
    logits = model(ids, use_cache=False, output_router_logits=False).logits[:, :-1].float()
    for hook in hooks:
        hook.remove()
    return logits, states


def ask(teacher, ids):
    """What the teacher says: its likeliest tokens, their logarithmic probabilities, its states."""
    with torch.no_grad():
        logits, states = run(teacher, ids)
        top = log_softmax(logits / TEMPERATURE, -1).topk(LIKELIEST)
    return top.indices, top.values, states


def loss_of(student, ids, answer):
    """The loss of `smelt recover --mode end-to-end`, a mean over predicted tokens."""
    tokens, known, states = answer
    logits, own = run(student, ids)
    count = ids[:, 1:].numel()
    text = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    log = log_softmax(logits / TEMPERATURE, -1).gather(-1, tokens)
    rest, own_rest = 1 - known.exp().sum(-1), 1 - log.exp().sum(-1)
    divergence = (known.exp() * (known - log)).sum() + (rest * (rest.log() - own_rest.log())).sum()
    distances = [((a - b).square().sum(-1) / b.square().sum(-1)).sum() for a, b in zip(own, states)]
    hidden = sum(distances) / len(distances)
    return TEXT * text + TEACHER * TEMPERATURE**2 * divergence / count + HIDDEN * hidden / count


def train(student, teacher, ids, judging, after=lambda: None):
    """The losses of the batches, and of the held-out tokens after each step, which may be followed by something."""
    parameters = list(student.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": DECAY},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98), eps=1e-6)
    answer, judge = ask(teacher, ids), ask(teacher, judging)
    losses, held_out = [], []
    for rate in rates():
        for group in adam.param_groups:
            group["lr"] = rate
        # Experts without a token have gradients too: zeros.
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter)
        loss = loss_of(student, ids, answer)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        adam.step()
        after()
        losses.append(loss.item())
        with torch.no_grad():
            held_out.append(loss_of(student, judging, judge).item())
    return losses, held_out


class Pruning:
    """LoSparse: the neurons beside factors with the least smoothed |s ds| become zero, by one threshold for all matrices."""

    def __init__(self, student):
        named = student.named_modules()
        self.matrices = {name: m for name, m in named if isinstance(getattr(m, "kept", None), torch.nn.Parameter)}
        self.importance = [torch.zeros(len(m.index), dtype=torch.float64) for m in self.matrices.values()]
        self.entries = [m.kept.numel() // len(m.index) for m in self.matrices.values()]
        columns = [m.kept.shape[1] if m.neurons_are_rows else m.v.shape[1] for m in self.matrices.values()]
        self.total = sum(m.rows * n for m, n in zip(self.matrices.values(), columns))
        self.start = sum(m.kept.numel() for m in self.matrices.values()) / self.total
        self.step = 0

    def share(self):
        begin, end = round(0.04 * STEPS), STEPS - round(0.16 * STEPS)
        left = min(1, max(0, 1 - (self.step - begin) / (end - begin)))
        return KEEP + (self.start - KEEP) * left**3

    @torch.no_grad()
    def __call__(self):
        self.step += 1
        for m, mean in zip(self.matrices.values(), self.importance):
            mean.lerp_((m.kept * m.kept.grad).abs().double().mean(1 if m.neurons_are_rows else 0), FRESH)
        best = [int(mean.argmax()) for mean in self.importance]
        alive = [{b} for b in best]
        left = round(self.share() * self.total) - sum(self.entries)
        others = [(v, i, k) for i, mean in enumerate(self.importance) for k, v in enumerate(mean.tolist()) if k != best[i]]
        for _, i, k in sorted(others, key=lambda other: -other[0]):
            left -= self.entries[i]
            if left < 0:
                break
            alive[i].add(k)
        for m, own in zip(self.matrices.values(), alive):
            mask = torch.tensor([float(k in own) for k in range(len(m.index))])
            m.kept.mul_(mask[:, None] if m.neurons_are_rows else mask)

    def indices(self):
        """Which neurons are left, by the name of the tensor that says so."""
        left = {}
        for name, m in self.matrices.items():
            alive = m.kept.abs().sum(1 if m.neurons_are_rows else 0) > 0
            left[name + ".index"] = m.index[alive]
        return left


def options(work):
    """The command line of the same training."""
    return [
        *("--mode", "end-to-end", "--train", "all", "--compute", "f32"),
        *("--text", work / "ids.npy", "--held-out", work / "judging.npy"),
        *("--sequences", SEQUENCES, "--length", LENGTH, "--batch", SEQUENCES * LENGTH),
        *("--steps", STEPS, "--check-every", 1, "--rate", RATE, "--warm-up", WARM_UP),
        *("--clip", CLIP, "--weight-decay", DECAY, "--text-weight", TEXT, "--teacher-weight", TEACHER),
        *("--hidden-weight", HIDDEN, "--temperature", TEMPERATURE, "--likeliest", LIKELIEST),
    ]


def make_ids(model, work):
    """Windows of the calibration text as arrays of ids; returns them as tensors."""
    cut = [w for w in windows(model, CALIBRATION, LENGTH) if len(w) == LENGTH]
    ids, judging = torch.stack(cut[:SEQUENCES]), torch.stack(cut[SEQUENCES : SEQUENCES + HELD_OUT])
    numpy.save(work / "ids.npy", ids.numpy())
    numpy.save(work / "judging.npy", judging.numpy())
    return ids, judging


def check_loop(check, smelt, name, model, work):
    """Ten steps on the same tokens."""
    student = work / f"{name}-half"
    smelt("drop", model, "-o", student, "--ratio", 0.5, "--criterion", "aimer", "--repair", "none")
    ids, judging = make_ids(model, work)
    out = work / f"{name}-recovered"
    smelt("recover", student, "--teacher", model, "-o", out, *options(work))
    rows = list(csv.DictReader((out / "smelt-curve.csv").open()))
    losses, held_out = train(load(student, torch.float32)[0], load(model, torch.float32)[0], ids, judging)
    check(f"{name}: steps", len(rows) == STEPS, f"{len(rows)}")
    ours = [float(row["loss"]) for row in rows] + [float(row["held_out"]) for row in rows]
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, losses + held_out))
    detail = f"loss {losses[0]:.4f} -> {losses[-1]:.4f}, largest relative difference {worst:.1e}"
    check(f"{name}: ten steps as in PyTorch", worst <= 1e-4 and losses[-1] < losses[0], detail)
    check(f"{name}: loads", not any(load(out, torch.float32)[1].values()))
    return student


def check_pruning(check, smelt, name, model, work):
    """Ten steps of LoSparse on the same tokens, down to a quarter of the neurons."""
    student, out = work / f"{name}-sparse", work / f"{name}-pruned"
    text = ("--text", CALIBRATION, "--sequences", 32, "--length", 128)
    smelt("compress", model, "-o", student, "--method", "low-rank-sparse", "--parameter-ratio", 0.6, "--keep", NEURONS, *text)
    ids, judging = make_ids(model, work)
    smelt("recover", student, "--teacher", model, "-o", out, *options(work), "--keep", KEEP)
    rows = list(csv.DictReader((out / "smelt-curve.csv").open()))
    theirs = AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32, trust_remote_code=True).eval()
    pruning = Pruning(theirs)
    losses, held_out = train(theirs, load(model, torch.float32)[0], ids, judging, pruning)
    ours = [float(row["loss"]) for row in rows] + [float(row["held_out"]) for row in rows]
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, losses + held_out))
    check(f"{name}: pruned as in PyTorch", worst <= 1e-3, f"largest relative difference {worst:.1e}")
    stored, expected = load_file(out / "model.safetensors"), pruning.indices()
    same = sum(len(set(stored[key].tolist()) & set(index.tolist())) for key, index in expected.items())
    left, all_of_them = sum(map(len, expected.values())), sum(len(stored[key]) for key in expected)
    detail = f"{all_of_them} neurons of {sum(len(m.index) for m in pruning.matrices.values())}, {left} in PyTorch, {same} the same"
    # Neurons at the threshold differ by rounding.
    check(f"{name}: the same neurons are left", same >= 0.99 * left and abs(all_of_them - left) <= 0.01 * left, detail)
    size = (out / "model.safetensors").stat().st_size / (student / "model.safetensors").stat().st_size
    check(f"{name}: pruned, and smaller", size < 0.75, f"{size:.1%} of the bytes")
    pruned = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, trust_remote_code=True).eval()
    with torch.no_grad():
        own, there = loss_of(pruned, judging, ask(pruned, judging)).item(), loss_of(theirs, judging, ask(theirs, judging)).item()
    check.close(f"{name}: loss of the pruned files", own, there, 5e-3)


def killed(smelt, arguments, state, enough):
    """Starts the command and kills it as soon as it has stored enough."""
    command = [smelt.launcher, *map(str, arguments), "--quiet"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not enough(state):
        time.sleep(0.02)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return alive


def check_resume(check, smelt, mode, student, teacher, work):
    """A killed run that goes on gives the bytes of one that was not."""
    name = f"{mode}, {student.name}"
    text = ["--text", CALIBRATION, "--sequences", 24, "--length", 128, "--batch", 512]
    pace = ["--mode", mode, "--steps", 30, "--check-every", 10, "--checkpoint-every", 5, "--threads", 1]
    arguments = ["recover", student, "--teacher", teacher, *text, *pace]
    straight, resumed, state = work / f"{mode}-{student.name}-straight", work / f"{mode}-{student.name}-resumed", work / f"{mode}-{student.name}-state"
    smelt(*arguments, "-o", straight)
    trace = "training/model.safetensors" if mode == "end-to-end" else "fit-001/model.safetensors"
    with_state = [*arguments, "-o", resumed, "--resume", state]
    alive = killed(smelt, with_state, state, lambda directory: (directory / trace).exists())
    check(f"{name}: killed in the middle", alive and not resumed.exists())
    other = smelt.status(*with_state, "--rate", 0.001)
    check(f"{name}: refuses to go on with other options", other == 2, f"exit code {other}")
    smelt(*with_state)
    check(f"{name}: goes on to the same bytes", not same_files(straight, resumed))
    curves = [(directory / "smelt-curve.csv").read_bytes() for directory in (straight, resumed)]
    check(f"{name}: and to the same curve", curves[0] == curves[1])
    check(f"{name}: leaves no state", not state.exists())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smelt", type=pathlib.Path, default=ROOT / "smelt")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/recover")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    check, smelt = Checks(), Smelt(arguments.smelt)
    for model in MODELS:
        name = "olmoe" if model == MODELS[0] else "mixtral"
        student = check_loop(check, smelt, name, model, work)
        if model == MODELS[0]:
            for mode in ("layerwise", "end-to-end"):
                check_resume(check, smelt, mode, student, model, work)
            compact = work / f"{name}-compact"
            smelt("compress", model, "-o", compact, "--method", "low-rank", "--parameter-ratio", 0.4)
            check_resume(check, smelt, "layerwise", compact, model, work)
            check_pruning(check, smelt, name, model, work)
    print(f"{check.passed} passed, {check.failed} failed")
    sys.exit(check.failed > 0)


if __name__ == "__main__":
    main()

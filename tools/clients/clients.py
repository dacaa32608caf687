"""The two sides of the checks: smelt as a process, and transformers as a library."""

import contextlib
import json
import math
import subprocess
from unittest import mock

import torch
from safetensors import safe_open
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

BATCH = 16


class Checks:
    """Counts what passed, and prints it."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def __call__(self, name, good, detail=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'} {name}{': ' if detail else ''}{detail}", flush=True)

    def close(self, name, ours, theirs, tolerance):
        difference = abs(ours - theirs) / abs(theirs)
        self(name, difference <= tolerance, f"smelt {ours:.6f}, transformers {theirs:.6f}, relative difference {difference:.1e}")


class Smelt:
    """Runs the program; a command that fails ends the checks with its message."""

    def __init__(self, launcher):
        self.launcher = str(launcher.resolve())

    def __call__(self, *arguments):
        command = [self.launcher, *map(str, arguments), "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"exit code {done.returncode} of {' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def status(self, *arguments):
        """The exit code alone."""
        return subprocess.run([self.launcher, *map(str, arguments), "--quiet"], capture_output=True).returncode

    def evaluate(self, model, text, length, compute):
        return json.loads(self("evaluate", model, "--text", text, "--length", length, "--compute", compute, "--json"))


def load(directory, dtype):
    """A model of stock transformers, and what was noticed while it was loaded."""
    model, info = AutoModelForCausalLM.from_pretrained(
        directory, dtype=dtype, output_loading_info=True, local_files_only=True
    )
    return model.eval(), info


def windows(directory, text, length):
    """A text tokenized whole without special tokens, in consecutive windows; a last one of at least two tokens counts."""
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    content = text.read_bytes().decode()
    ids = torch.tensor(tokenizer(content, add_special_tokens=False, verbose=False)["input_ids"])
    return [window for window in ids.split(length) if len(window) >= 2]


@torch.no_grad()
def loss_of(model, directory, text, length):
    """Mean negative log-likelihood per predicted token, and the number of these; the sum is made in float64."""
    cut = windows(directory, text, length)
    whole = [window for window in cut if len(window) == length]
    batches = [torch.stack(whole[i : i + BATCH]) for i in range(0, len(whole), BATCH)]
    batches += [window[None] for window in cut if len(window) < length]
    total, tokens = 0.0, 0
    for batch in batches:
        logits = model(batch, use_cache=False).logits[:, :-1].float()
        losses = cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), reduction="none")
        total, tokens = total + losses.double().sum().item(), tokens + losses.numel()
    assert math.isfinite(total)
    return total / tokens, tokens


@torch.no_grad()
def logits_of(model, directory, text, length):
    """The logits of the whole windows of a text, in one batch."""
    whole = [window for window in windows(directory, text, length) if len(window) == length]
    return model(torch.stack(whole), use_cache=False).logits


@contextlib.contextmanager
def masked(model, survivors):
    """A model whose router of layer i chooses among survivors[i] only: the logits of all others are minus infinity."""
    linear = torch.nn.functional.linear
    routers = [module for name, module in model.named_modules() if name.endswith("mlp.gate")]
    assert len(routers) == len(survivors)
    kept = {id(router.weight): experts for router, experts in zip(routers, survivors)}

    def masking(values, weight, bias=None):
        result = linear(values, weight, bias)
        if id(weight) not in kept:
            return result
        only = torch.full_like(result, -math.inf)
        only[..., kept[id(weight)]] = result[..., kept[id(weight)]]
        return only

    with mock.patch("torch.nn.functional.linear", masking):
        yield model


def tensor_bytes(directory):
    """Bytes of all tensors of a checkpoint, counted from the tensors themselves."""
    total = 0
    for file in sorted(directory.glob("*.safetensors")):
        with safe_open(file, "pt") as tensors:
            total += sum(tensors.get_tensor(name).nbytes for name in tensors.keys())
    return total


def same_files(first, second):
    """What is different in two output directories, apart from the times in the report."""
    names = sorted({path.name for directory in (first, second) for path in directory.iterdir()})
    return [name for name in names if _content(first / name) != _content(second / name)]


def _content(path):
    if not path.exists():
        return None
    if path.name != "smelt-report.json":
        return path.read_bytes()
    report = json.loads(path.read_text())
    del report["seconds"]
    return report

"""Unlearning losses and their gradients, written from the formulas of the papers, on tiny checkpoints.

usage: unlearn_reference.py [--check]
Without --check it writes unlearn/src/test/resources/golden/NAME.safetensors, which the tests of smelt compare with. With --check
it computes everything again and exits with 1 if a committed number differs. Needs torch, transformers, safetensors and NumPy.

The affinity is computed by NumPy from router inputs alone. Losses are computed in float64 at weights that differ from the
reference weights: the target expert times 1.1, its layer's router times 1.05.
"""

import argparse
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import linear, logsigmoid, one_hot
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "model/src/test/resources/golden"
TARGETS = ROOT / "unlearn/src/test/resources/golden"
NAMES = ("mixtral", "qwen3_moe", "qwen2_moe", "olmoe")
SEED, BETA_NPO, BETA_SIMNPO, DELTA, STEERING, FACTOR = 5, 0.1, 2.5, 0.3, 2.0, 1.5


def java_doubles(seed, count):
    """The numbers that java.util.Random gives: a linear congruence of 48 bits."""
    state, numbers = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1), []

    def bits(width):
        nonlocal state
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        return state >> (48 - width)

    for _ in range(count):
        numbers.append(((bits(26) << 27) + bits(27)) / (1 << 53))
    return np.array(numbers)


class Watched:
    """A model with what its routers and the target layer see."""

    def __init__(self, name):
        self.model = AutoModelForCausalLM.from_pretrained(SOURCES / name, dtype=torch.float64, attn_implementation="eager", experts_implementation="eager").eval()
        self.layers = self.model.model.layers
        self.routed, self.hidden = {}, None
        self.sparse = [index for index, layer in enumerate(self.layers) if hasattr(layer.mlp, "experts")]
        self.target = self.sparse[len(self.sparse) // 2]
        for index in self.sparse:
            self.layers[index].mlp.gate.register_forward_hook(self._router(index))
        self.layers[self.target].register_forward_hook(self._state)

    def _router(self, index):
        def hook(module, inputs, output):
            self.routed[index] = inputs[0].reshape(-1, inputs[0].shape[-1])

        return hook

    def _state(self, module, inputs, output):
        self.hidden = output[0] if isinstance(output, tuple) else output

    def logits(self, ids):
        return self.model(ids, use_cache=False).logits

    def router_logits(self, index):
        return linear(self.routed[index], self.layers[index].mlp.gate.weight)

    def parameters(self, expert):
        """Router, then gate, up and down of the target, as functions of the gradients that torch holds."""
        mlp = self.layers[self.target].mlp
        both = mlp.experts.gate_up_proj.grad[expert]
        width = both.shape[0] // 2
        return {"router": mlp.gate.weight.grad, "gate": both[:width], "up": both[width:], "down": mlp.experts.down_proj.grad[expert]}


def nll_sums(logits, ids):
    """Summed negative log-likelihood of each sequence."""
    return -logits[:, :-1].log_softmax(-1).gather(-1, ids[:, 1:, None]).sum((1, 2))


def affinity(watched, ids):
    """Mean over sequences of the mean over tokens of the applied gate value, [layers, experts]; NumPy."""
    config = watched.model.config
    top = config.num_experts_per_tok
    renormalised = config.model_type == "mixtral" or getattr(config, "norm_topk_prob", False)
    rows = []
    for index in watched.sparse:
        weight = watched.layers[index].mlp.gate.weight.detach().numpy()
        means = []
        for sequence in ids:
            watched.logits(sequence[None])
            logits = watched.routed[index].detach().numpy() @ weight.T
            scores = np.exp(logits - logits.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            chosen = np.argsort(-scores, axis=-1)[:, :top]
            kept = np.zeros_like(scores)
            np.put_along_axis(kept, chosen, np.take_along_axis(scores, chosen, -1), -1)
            means.append((kept / kept.sum(-1, keepdims=True) if renormalised else kept).mean(0))
        rows.append(np.mean(means, 0))
    return np.array(rows)


def golden(name):
    torch.manual_seed(11)
    watched = Watched(name)
    config = watched.model.config
    forget = torch.randint(0, config.vocab_size, (4, 20))
    retain = torch.randint(0, config.vocab_size, (4, 20))
    result = {"forget": forget, "retain": retain}
    with torch.no_grad():
        affinities = affinity(watched, forget)
        expert = int(affinities[watched.sparse.index(watched.target)].argmax())
        reference_logits = watched.logits(forget)
        reference, norms = nll_sums(reference_logits, forget), watched.hidden.norm(dim=-1, keepdim=True)
        retain_logits = watched.logits(retain)
        retain_hidden = watched.hidden.clone()
        mlp = watched.layers[watched.target].mlp
        mlp.gate.weight.mul_(1.05)
        mlp.experts.gate_up_proj[expert] *= 1.1
        mlp.experts.down_proj[expert] *= 1.1
    result["affinity"] = torch.from_numpy(affinities)
    result["target"] = torch.tensor([watched.target, expert])
    uniform = java_doubles(SEED, config.hidden_size)
    direction = torch.from_numpy(uniform / np.linalg.norm(uniform))
    tokens = forget.shape[1] - 1

    def anchor():
        logits = watched.router_logits(watched.target)
        aim = one_hot(torch.tensor(expert), logits.shape[1])
        return (logits.softmax(-1) - aim).square().sum(-1).mean()

    def kl():
        p = retain_logits.log_softmax(-1)
        return (p.exp() * (p - watched.logits(retain).log_softmax(-1))).sum(-1).mean()

    def forget_sums():
        return nll_sums(watched.logits(forget), forget)

    def state(ids):
        watched.logits(ids)
        return watched.hidden

    def with_anchor(term):
        value = term()
        return value, anchor()

    terms = {
        "ga": lambda: -forget_sums().mean() / tokens,
        "npo": lambda: -2 / BETA_NPO * logsigmoid(BETA_NPO * (forget_sums() - reference)).mean(),
        "simnpo": lambda: -2 / BETA_SIMNPO * logsigmoid(BETA_SIMNPO * (forget_sums() / tokens - DELTA)).mean(),
        "rmu": lambda: (state(forget) - STEERING * direction).square().mean(),
        "rmu-adaptive": lambda: (state(forget) - FACTOR * norms * direction).square().mean(),
        "anchor": lambda: with_anchor(forget_sums)[1],
        "nll": lambda: nll_sums(watched.logits(retain), retain).mean() / tokens,
        "kl": kl,
        "embedding": lambda: (state(retain) - retain_hidden).square().mean(),
    }
    for term, value in terms.items():
        watched.model.zero_grad()
        for parameter in (mlp.gate.weight, mlp.experts.gate_up_proj, mlp.experts.down_proj):
            parameter.grad = torch.zeros_like(parameter)
        number = value()
        number.backward()
        result[term] = number.detach()[None]
        for part, gradient in watched.parameters(expert).items():
            result[f"{term}.{part}"] = gradient.clone()
    check_closed_form(watched, result, expert, forget)
    return {key: value.contiguous() for key, value in result.items()}


def check_closed_form(watched, result, expert, forget):
    """The anchor's gradient by hand: q = 2 (s - a) / T, dz = s (q - <q, s>), dW = dz^T u."""
    with torch.no_grad():
        watched.logits(forget)
        inputs = watched.routed[watched.target]
        scores = watched.router_logits(watched.target).softmax(-1)
        q = 2 * (scores - one_hot(torch.tensor(expert), scores.shape[1])) / len(scores)
        logits = scores * (q - (q * scores).sum(-1, keepdim=True))
        by_hand = logits.T @ inputs
    assert torch.allclose(by_hand, result["anchor.router"], rtol=1e-9, atol=1e-12)
    result["anchor.by-hand"] = by_hand


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check, failed = parser.parse_args().check, 0
    torch.set_num_threads(1)  # sums are taken in the order of the committed ones
    TARGETS.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        file, values = TARGETS / f"{name}.safetensors", golden(name)
        if not check:
            save_file(values, file)
            print("wrote", file.relative_to(ROOT), f"{file.stat().st_size:,} bytes")
            continue
        stored = load_file(file)
        good = stored.keys() == values.keys() and all(torch.allclose(stored[k], values[k], rtol=1e-6, atol=1e-9) for k in values)
        print("ok  " if good else "FAIL", f"{name}: losses and gradients as committed")
        failed += not good
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

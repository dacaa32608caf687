"""A step of gradient difference with a router anchor in PyTorch: one expert and its router are trained, all layers run.

usage: torch_unlearn.py MODEL TEXT_TO_FORGET TEXT_TO_KEEP LAYER:EXPERT
"""

import pathlib
import sys
import time

import torch
from torch.nn.functional import cross_entropy, linear, one_hot
from transformers import AutoModelForCausalLM, AutoTokenizer

STEPS, BATCH, LENGTH = 10, 4, 256


def windows(tokenizer, file):
    ids = torch.tensor(tokenizer(pathlib.Path(file).read_text(), add_special_tokens=False, verbose=False)["input_ids"])
    return ids[: len(ids) // LENGTH * LENGTH].reshape(-1, LENGTH)[: BATCH * STEPS]


def main():
    directory, forget, retain, target = sys.argv[1:]
    layer, expert = map(int, target.split(":"))
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    sets = [windows(tokenizer, forget), windows(tokenizer, retain)]
    model.requires_grad_(False)
    block = model.model.layers[layer].mlp
    trained = [block.gate.weight, block.experts.gate_up_proj, block.experts.down_proj]
    for parameter in trained:
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0)
    seen = {}
    block.gate.register_forward_hook(lambda module, inputs, output: seen.update(x=inputs[0].reshape(-1, inputs[0].shape[-1])))

    def nll(ids):
        logits = model(ids, use_cache=False).logits[:, :-1]
        return cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    seconds = []
    for step in range(STEPS):
        start = time.perf_counter()
        rows = slice(step * BATCH % len(sets[0]), step * BATCH % len(sets[0]) + BATCH)
        loss = -nll(sets[0][rows])
        scores = linear(seen["x"], block.gate.weight).softmax(-1)
        loss = loss + (scores - one_hot(torch.tensor(expert), scores.shape[1])).square().sum(-1).mean()
        loss = loss + nll(sets[1][rows])
        optimiser.zero_grad()
        loss.backward()
        for parameter in trained[1:]:
            mask = torch.zeros(len(parameter), 1, 1)
            mask[expert] = 1
            parameter.grad.mul_(mask)
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    print(f"PyTorch: {1000 * sorted(seconds)[STEPS // 2]:.0f} ms per step")


if __name__ == "__main__":
    main()

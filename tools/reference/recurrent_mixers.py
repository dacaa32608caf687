#!/usr/bin/env python3
"""Inputs and outputs of the recurrent layers of tiny checkpoints, computed by transformers.

usage: recurrent_mixers.py GOLDEN_DIRECTORY OUTPUT_DIRECTORY

GOLDEN_DIRECTORY holds one directory per checkpoint, each with golden.safetensors. For every
recurrent layer L, `mixer_in.L` and `mixer_out.L` [2, 80, hidden] are written: 80 tokens are more
than one chunk of smelt, and the first tokens of the first sequence are those of the golden.
"""

import os
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

CASES = [
    "granitemoehybrid",
    "jamba",
    "kimi_linear",
    "lfm2_moe",
    "minimax",
    "nemotron_h",
    "qwen3_5_moe_text",
    "qwen3_next",
]
MIXERS = ("DeltaNet", "DeltaAttention", "MambaMixer", "MambaLayer", "Mamba2Mixer", "ShortConv")
LENGTH = 80


def is_mixer(module):
    return type(module).__name__.endswith(MIXERS + ("LightningAttention",))


def record(values, layer):
    def hook(module, args, kwargs, output):
        hidden = args[0] if args else kwargs["hidden_states"]
        output = output[0] if isinstance(output, tuple) else output
        values[f"mixer_in.{layer}"] = hidden.detach().clone().contiguous()
        values[f"mixer_out.{layer}"] = output.detach().clone().contiguous()

    return hook


def main(source, target):
    os.makedirs(target, exist_ok=True)
    for case in CASES:
        directory = os.path.join(source, case)
        golden = load_file(os.path.join(directory, "golden.safetensors"))
        model = transformers.AutoModelForCausalLM.from_pretrained(
            directory, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        values = {}
        for name, module in model.named_modules():
            if is_mixer(module):
                layer = next(part for part in name.split(".") if part.isdigit())
                module.register_forward_hook(record(values, layer), with_kwargs=True)
        known = golden["input_ids"]
        ids = torch.randint(
            3, 96, (2, LENGTH), generator=torch.Generator().manual_seed(1)
        )
        ids[0, : known.shape[1]] = known[0]
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits
        error = (logits[0, : known.shape[1]] - golden["logits"][0]).abs().max()
        print(f"{case}: {sorted(values)}, logits differ from the golden by {error:.1e}")
        assert error < 1e-4, case
        save_file(values, os.path.join(target, case + ".safetensors"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

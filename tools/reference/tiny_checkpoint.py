#!/usr/bin/env python3
"""A tiny checkpoint with random weights, and what transformers computes with it.

usage: tiny_checkpoint.py MODEL_TYPE OUT [FIELD=VALUE ...]

Writes OUT/config.json, OUT/model.safetensors and OUT/golden.safetensors: `input_ids` [1, 17], `layer_out.L` [1, 17, H] for
each layer, `logits` [1, 17, V], in F32. Further fields of the config are given as FIELD=VALUE with a value in JSON. Every
parameter is random, norms and biases too: what is forgotten shows.
"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 40,
    "moe_intermediate_size": 24,
    "max_position_embeddings": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "rms_norm_eps": 1e-3,
    "vocab_size": 96,
}
TOKENS = 17


def field(argument):
    name, value = argument.split("=", 1)
    return name, json.loads(value)


@torch.no_grad()
def randomise(model):
    """Matrices that keep the size of what they multiply, norms around one, other vectors around zero."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        random = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() > 1:
            tensor.copy_(random / tensor.shape[-1] ** 0.5)
        else:
            tensor.copy_(1 + 0.2 * random if name.endswith("norm.weight") else 0.3 * random)


@torch.no_grad()
def outputs(model):
    """Input, output of every layer, logits."""
    values = {"input_ids": torch.randint(3, model.config.vocab_size, (1, TOKENS), generator=torch.Generator().manual_seed(0))}

    def record(layer):
        def hook(module, arguments, output):
            values[f"layer_out.{layer}"] = (output[0] if isinstance(output, tuple) else output).clone()

        return hook

    for layer, module in enumerate(model.model.layers):
        module.register_forward_hook(record(layer))
    values["logits"] = model(values["input_ids"], use_cache=False).logits
    return {name: value.contiguous() for name, value in values.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_type")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("fields", nargs="*", type=field, metavar="FIELD=VALUE")
    arguments = parser.parse_args()
    config = AutoConfig.for_model(arguments.model_type, **(SIZES | dict(arguments.fields)))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    randomise(model)
    model.save_pretrained(arguments.out)
    save_file(outputs(model), arguments.out / "golden.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()

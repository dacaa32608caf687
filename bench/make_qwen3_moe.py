"""Writes a qwen3_moe checkpoint with random bf16 weights, and calibration token ids, for the benchmarks.

usage: make_qwen3_moe.py OUTPUT_DIRECTORY [--layers 4] [--seed 0] [--sequences 32] [--length 512]
128 experts of width 384, top-8, hidden size 1024, 16 heads and 4 key/value heads of 64, vocabulary 32000. The ids are
written beside the directory, as OUTPUT_DIRECTORY.ids.npy, int32 [sequences, length], with Zipf-like frequencies.
"""

import argparse

import numpy as np
import torch
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM


def config(layers):
    return Qwen3MoeConfig(
        vocab_size=32000,
        hidden_size=1024,
        intermediate_size=2048,
        moe_intermediate_size=384,
        num_hidden_layers=layers,
        num_attention_heads=16,
        num_key_value_heads=4,
        head_dim=64,
        num_experts=128,
        num_experts_per_tok=8,
        norm_topk_prob=True,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--length", type=int, default=512)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_default_dtype(torch.bfloat16)
    model = Qwen3MoeForCausalLM(config(arguments.layers))
    model.save_pretrained(arguments.output)
    random = np.random.default_rng(arguments.seed)
    ids = random.zipf(1.2, (arguments.sequences, arguments.length)) % model.config.vocab_size
    np.save(arguments.output.rstrip("/") + ".ids.npy", ids.astype(np.int32))


if __name__ == "__main__":
    main()

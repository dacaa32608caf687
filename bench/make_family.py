"""Writes checkpoints of several families of the same size, with random bf16 weights, for bench/families.sh.

usage: make_family.py MODEL_TYPE OUTPUT_DIRECTORY [--layers 2] [--sequences 16] [--length 512]
Hidden size 1024, 64 experts of width 512, top-8, vocabulary 8192. Prints the floating-point operations per token: two for
each multiplication with a weight that a token uses, the head included, without the scores of attention. The token ids are
written beside the directory, as OUTPUT_DIRECTORY.ids.npy.
"""

import argparse
import pathlib

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

EXPERTS, TOP_K, WIDTH = 64, 8, 512
COMMON = {
    "vocab_size": 8192,
    "hidden_size": 1024,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "num_experts_per_tok": TOP_K,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
}
SIGMOID = {"n_routed_experts": EXPERTS, "moe_intermediate_size": WIDTH, "n_shared_experts": 1, "first_k_dense_replace": 0}
LATENT = {"num_key_value_heads": 16, "q_lora_rank": 384, "kv_lora_rank": 256, "qk_nope_head_dim": 64, "qk_rope_head_dim": 32}
FIELDS = {
    "qwen3_moe": {"num_experts": EXPERTS, "moe_intermediate_size": WIDTH, "head_dim": 64, "norm_topk_prob": True},
    "glm4_moe": SIGMOID | {"head_dim": 64},
    "deepseek_v3": SIGMOID | LATENT | {"v_head_dim": 64, "n_group": 8, "topk_group": 4},
    "gpt_oss": {"num_local_experts": EXPERTS, "intermediate_size": WIDTH, "head_dim": 64, "sliding_window": 128},
    "granitemoe": {"num_local_experts": EXPERTS, "intermediate_size": WIDTH},
}


def flops(model):
    """Two for each number of a matrix that a token meets."""
    total = 0
    for name, tensor in model.state_dict().items():
        if tensor.dim() > 1 and "embed_tokens" not in name and not name.endswith("_bias"):
            chosen = TOP_K / EXPERTS if ".experts." in name and "shared" not in name else 1
            total += 2 * tensor.numel() * chosen
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_type", choices=FIELDS)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    fields = COMMON | FIELDS[arguments.model_type] | {"num_hidden_layers": arguments.layers}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(arguments.model_type, **fields), dtype=torch.bfloat16)
    model.save_pretrained(arguments.output)
    ids = np.random.default_rng(0).zipf(1.2, (arguments.sequences, arguments.length)) % COMMON["vocab_size"]
    np.save(f"{arguments.output}.ids.npy", ids.astype(np.int32))
    print(int(flops(model)))


if __name__ == "__main__":
    main()

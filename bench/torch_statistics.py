"""Tokens per second of a transformers forward pass that records routing statistics: the baseline of smelt's `calibrate`.

usage: torch_statistics.py MODEL IDS.npy [--dtype float32|bfloat16] [--batch 4] [--repeats 3] [--plain | --hooks]
Prints one JSON object. The decoder layers run without the output head. Experts run eagerly: each on its own tokens, as
transformers' own loop does. The recording sits inside that loop, so that the baseline computes no expert twice. With
--hooks the model runs as it is, and a forward hook on each module of fused experts computes the outputs of the routed
experts once more, as tools do that cannot change the model. --plain records nothing. Router statistics come from hooks.
"""

import argparse
import json
import statistics
import time

import numpy as np
import torch
from torch.nn.functional import linear, one_hot
from transformers import AutoModelForCausalLM


class Recorder:
    """The statistics of one MoE layer, in float32 on the CPU."""

    def __init__(self, experts, hidden):
        for name in ("count", "gate", "gate_norm", "norm", "gate_norm_squared", "max_activation"):
            setattr(self, name, torch.zeros(experts))
        self.gated_output = torch.zeros(experts, hidden)
        self.coactivation = torch.zeros(experts, experts)
        self.transition = torch.zeros(experts, experts)
        self.gram = torch.zeros(experts, experts)
        self.centred_gram = torch.zeros(experts, experts)
        self.chosen = None

    def router(self, logits, indices, previous):
        logits = logits.float()
        self.chosen = one_hot(indices, logits.shape[-1]).sum(dim=1).float()
        self.coactivation += self.chosen.T @ self.chosen
        if previous is not None:
            self.transition += previous.chosen.T @ self.chosen
        self.gram += logits.T @ logits
        centred = logits - logits.mean(dim=-1, keepdim=True)
        self.centred_gram += centred.T @ centred

    def expert(self, e, activation, output, gates):
        gates = gates.float().squeeze(-1)
        norms = output.float().norm(dim=-1)
        weighted = gates * norms
        self.count[e] += len(gates)
        self.gate[e] += gates.sum()
        self.norm[e] += norms.sum()
        self.gate_norm[e] += weighted.sum()
        self.gate_norm_squared[e] += (weighted * weighted).sum()
        self.max_activation[e] = torch.maximum(self.max_activation[e], activation.abs().max().float())
        self.gated_output[e] += gates @ output.float()


def recording_experts(experts, recorder):
    """The eager loop over the experts that were chosen, with one call of the recorder for each."""

    def forward(hidden_states, top_k_index, top_k_weights):
        result = torch.zeros_like(hidden_states)
        for e in top_k_index.unique().tolist():
            token, slot = torch.where(top_k_index == e)
            gate, up = linear(hidden_states[token], experts.gate_up_proj[e]).chunk(2, dim=-1)
            activation = experts.act_fn(gate) * up
            output = linear(activation, experts.down_proj[e])
            gates = top_k_weights[token, slot, None]
            recorder.expert(e, activation, output, gates)
            result.index_add_(0, token, (output * gates).to(result.dtype))
        return result

    return forward


def hook_on_experts(recorder):
    """A forward hook that computes what the fused module does not give away."""

    def hook(experts, inputs, _):
        recording_experts(experts, recorder)(*inputs)

    return hook


def attach(model, by_hooks):
    recorders = []
    for layer in model.model.layers:
        recorder = Recorder(model.config.num_experts, model.config.hidden_size)
        previous = recorders[-1] if recorders else None
        layer.mlp.gate.register_forward_hook(
            lambda module, inputs, out, r=recorder, p=previous: r.router(out[0], out[2], p)
        )
        if by_hooks:
            layer.mlp.experts.register_forward_hook(hook_on_experts(recorder))
        else:
            layer.mlp.experts.forward = recording_experts(layer.mlp.experts, recorder)
        recorders.append(recorder)
    return recorders


@torch.inference_mode()
def timed(model, batches):
    start = time.perf_counter()
    for batch in batches:
        model.model(batch, use_cache=False)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("ids")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--hooks", action="store_true")
    arguments = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=getattr(torch, arguments.dtype), experts_implementation="eager"
    ).eval()
    recorders = [] if arguments.plain else attach(model, arguments.hooks)
    ids = torch.from_numpy(np.load(arguments.ids).astype(np.int64))
    batches = ids.split(arguments.batch)
    timed(model, batches[:1])
    seconds = statistics.median(timed(model, batches) for _ in range(arguments.repeats))
    passed = arguments.repeats * ids.numel() + batches[0].numel()
    for recorder in recorders:
        assert recorder.count.sum() == model.config.num_experts_per_tok * passed
    result = {
        "dtype": arguments.dtype,
        "recording": "none" if arguments.plain else "hooks" if arguments.hooks else "in the loop",
        "tokens": ids.numel(),
        "layers": len(model.model.layers),
        "seconds": round(seconds, 3),
        "tokens_per_second": round(ids.numel() / seconds, 1),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

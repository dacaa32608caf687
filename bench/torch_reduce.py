"""Pruning and merging of experts as the REAP and REAM repositories do it, in PyTorch: the baseline of bench/reduce.sh.

Written from a description of what these programs compute, not from their code: all experts run on all tokens; REAP runs the
whole model with hooks, then slices and saves; REAM goes layer by layer, with every token's states in memory, groups around
the most salient experts, matches neurons, averages, and runs the layer again.

usage: torch_reduce.py reap|ream MODEL OUTPUT IDS.npy --ratio 0.5 [--batch 8] [--dtype bfloat16]
Prints JSON: seconds of the reduction and of the save, tokens per second, peak memory of the process.
"""

import argparse
import json
import resource
import time

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from transformers import AutoModelForCausalLM

SAMPLE = 4096
GROUP_SIZE = 32
COMPONENTS = 64


def outputs_of_all(experts, x):
    """What every expert computes on every token: activations [E] of [T, I], outputs [E, T, H] in float32."""
    hidden, outputs = [], torch.empty(len(experts.down_proj), *x.shape, dtype=torch.float32)
    for e, (gate_up, down) in enumerate(zip(experts.gate_up_proj, experts.down_proj)):
        gate, up = (x @ gate_up.T).chunk(2, dim=-1)
        hidden.append(torch.nn.functional.silu(gate) * up)
        outputs[e] = hidden[-1] @ down.T
    return hidden, outputs


class Means:
    """Conditional means over the tokens that are routed to each expert."""

    def __init__(self, experts):
        self.total, self.count = torch.zeros(experts, dtype=torch.float64), torch.zeros(experts, dtype=torch.float64)

    def add(self, values, chosen):
        """values [T, E] and chosen experts [T, k]."""
        routed = torch.zeros_like(values, dtype=torch.bool).scatter_(1, chosen, True)
        self.total += torch.where(routed, values, 0).double().sum(dim=0)
        self.count += routed.sum(dim=0)

    def value(self):
        return torch.where(self.count > 0, self.total / self.count.clamp(min=1), 0)


def slice_layer(block, keep):
    """Leaves some experts, and their router rows."""
    for owner, name in ((block.gate, "weight"), (block.experts, "gate_up_proj"), (block.experts, "down_proj")):
        setattr(owner, name, torch.nn.Parameter(getattr(owner, name).data[keep].clone(), requires_grad=False))
    for owner in (block, block.gate, block.experts):
        if hasattr(owner, "num_experts"):
            owner.num_experts = len(keep)


def reap(model, batches, keep):
    """One forward pass with a hook in every block, then the same number of experts is dropped in each layer."""
    blocks, scores = [layer.mlp for layer in model.model.layers], []
    for block in blocks:
        scores.append(means := Means(model.config.num_experts))

        def hook(module, inputs, _output, means=means):
            x = inputs[0].reshape(-1, inputs[0].shape[-1])
            probabilities = torch.softmax((x @ module.gate.weight.T).float(), dim=-1)
            values, chosen = probabilities.topk(model.config.num_experts_per_tok, dim=-1)
            norms = outputs_of_all(module.experts, x)[1].norm(dim=-1).T
            if model.config.norm_topk_prob:
                probabilities = probabilities / values.sum(dim=-1, keepdim=True)
            means.add(probabilities * norms, chosen)

        block.register_forward_hook(hook)
    for batch in batches:
        model.model(batch)
    for block, means in zip(blocks, scores):
        slice_layer(block, means.value().topk(keep).indices.sort().values)


def unit(rows):
    return torch.nn.functional.normalize(rows.float(), dim=-1)


def groups_of(saliency, similarity, keep):
    """Centroids, most salient first, take in the most similar experts that are left."""
    order = saliency.argsort(descending=True).tolist()
    left, groups = set(order[keep:]), []
    for centroid in order[:keep]:
        ranked = sorted(left, key=lambda e: -similarity[centroid, e])[: GROUP_SIZE - 1]
        left -= set(ranked)
        groups.append((centroid, ranked))
    return groups


def merge(block, groups, saliency, hidden):
    """Matches the neurons of members to those of their centroid by activations and reduced weights, and averages."""
    experts = block.experts
    width = experts.down_proj.shape[2]
    rows = torch.cat([experts.gate_up_proj[:, :width], experts.gate_up_proj[:, width:], experts.down_proj.transpose(1, 2)], dim=2)
    flat = unit(rows).reshape(-1, rows.shape[2])
    flat = flat - flat.mean(dim=0)
    _, _, basis = torch.pca_lowrank(flat, q=min(COMPONENTS, flat.shape[1]), center=False)
    reduced = unit(flat @ basis).reshape(len(rows), width, -1)
    for centroid, members in groups:
        share = saliency[[centroid, *members]] / saliency[[centroid, *members]].sum()
        gate_up, down = experts.gate_up_proj[centroid].float() * share[0], experts.down_proj[centroid].float() * share[0]
        for member, weight in zip(members, share[1:]):
            cost = torch.cdist(unit(hidden[centroid].T), unit(hidden[member].T)) + torch.cdist(reduced[centroid], reduced[member])
            order = torch.as_tensor(linear_sum_assignment(cost.numpy())[1])
            gate_up += weight * experts.gate_up_proj[member][torch.cat([order, order + width])].float()
            down += weight * experts.down_proj[member][:, order].float()
        experts.gate_up_proj.data[centroid] = gate_up.to(rows.dtype)
        experts.down_proj.data[centroid] = down.to(rows.dtype)


def ream(model, batches, keep):
    """Layer by layer; each layer runs once to be measured and once more when it is merged."""
    states = [model.model.embed_tokens(batch) for batch in batches]
    positions = torch.arange(batches[0].shape[1])[None]
    rotary = model.model.rotary_emb(states[0], positions)
    for layer in model.model.layers:
        attended = [h + layer.self_attn(layer.input_layernorm(h), position_embeddings=rotary, attention_mask=None)[0] for h in states]
        block, means = layer.mlp, Means(model.config.num_experts)
        logits, sums, samples = [], 0, []
        for h in attended:
            x = layer.post_attention_layernorm(h).reshape(-1, h.shape[-1])
            logits.append((x @ block.gate.weight.T).float())
            sigma = torch.softmax(logits[-1], dim=-1)
            hidden, outputs = outputs_of_all(block.experts, x)
            means.add(sigma**2 * outputs.norm(dim=-1).T, logits[-1].topk(model.config.num_experts_per_tok, dim=-1).indices)
            sums = sums + torch.einsum("te,eth->eh", sigma, outputs)
            take = torch.randperm(len(x))[: max(1, SAMPLE // len(attended))]
            samples.append([z[take] for z in hidden])
        saliency = means.value().float()
        saliency[saliency == 0] = saliency[saliency > 0].min().clamp(max=0.5)
        columns = unit(torch.cat(logits).T)
        distance = torch.cdist(columns, columns)
        similarity = ((unit(sums) @ unit(sums).T + 1) / 2 + 1 - distance / distance.max()) / 2
        groups = groups_of(saliency, similarity, keep)
        merge(block, groups, saliency, [torch.cat(parts) for parts in zip(*samples)])
        slice_layer(block, torch.tensor(sorted(centroid for centroid, _ in groups)))
        for i, h in enumerate(attended):
            answer = block(layer.post_attention_layernorm(h))
            states[i] = h + (answer[0] if isinstance(answer, tuple) else answer)


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=("reap", "ream"))
    parser.add_argument("model")
    parser.add_argument("output")
    parser.add_argument("ids")
    parser.add_argument("--ratio", type=float, default=0.5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--dtype", default="bfloat16")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    start = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=getattr(torch, arguments.dtype)).eval()
    ids = torch.from_numpy(np.load(arguments.ids).astype(np.int64))
    keep = model.config.num_experts - int(model.config.num_experts * arguments.ratio)
    {"reap": reap, "ream": ream}[arguments.method](model, ids.split(arguments.batch), keep)
    reduced = time.perf_counter()
    model.config.num_experts = keep
    model.save_pretrained(arguments.output)
    saved = time.perf_counter()
    result = {
        "method": arguments.method,
        "dtype": arguments.dtype,
        "tokens": ids.numel(),
        "layers": len(model.model.layers),
        "experts": [len(layer.mlp.gate.weight) for layer in model.model.layers][:1],
        "seconds_reducing": round(reduced - start, 2),
        "seconds_saving": round(saved - reduced, 2),
        "tokens_per_second": round(ids.numel() / (saved - start), 1),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""M-SMoE for gated experts in numpy float64, and the goldens of the Java implementation.

Usage frequency, dominant experts and frequency-weighted averaging follow MC-SMoE (Li et al., ICLR 2024, arXiv
2310.01334); the alignment extends it to experts with three matrices. Written from the formulas, independently of smelt.

usage: msmoe_reference.py MODEL OUTPUT_DIRECTORY TEXT...
Writes calibration.json, statistics.safetensors, and for K = 4 and K = 6 plan-kK.safetensors and merged-kK.safetensors.
"""

import json
import pathlib
import sys

import numpy as np
from moe_forward import Model
from safetensors.numpy import save_file
from scipy.optimize import linear_sum_assignment

SEQUENCES, LENGTH = 16, 128
KEPT = (4, 6)
SAMPLED_LAYERS = (1, 4)
SAMPLED_NEURONS = slice(None, None, 8)


# ---- statistics


def calibration_ids(model_directory, texts):
    """SEQUENCES windows of LENGTH tokens, the same number from each text, at equal distances."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(pathlib.Path(model_directory) / "tokenizer.json"))
    windows = []
    for text in texts:
        content = pathlib.Path(text).read_text(encoding="utf-8")
        ids = tokenizer.encode(content, add_special_tokens=False).ids
        count = SEQUENCES // len(texts)
        for i in range(count):
            start = i * ((len(ids) - LENGTH) // count)
            windows.append(ids[start : start + LENGTH])
    return np.array(windows, dtype=np.int32)


def statistics(model, ids):
    """Per layer: how often each expert was chosen [E], and the Gram matrix of the router logits [E, E]."""
    counts = np.zeros((model.layers, model.experts), dtype=np.int64)
    grams = np.zeros((model.layers, model.experts, model.experts))
    for sequence in ids:
        for layer, (logits, chosen) in enumerate(model.forward(sequence)[1]):
            counts[layer] += np.bincount(chosen.ravel(), minlength=model.experts)
            grams[layer] += logits.T @ logits
    return counts, grams


# ---- grouping


def cosine(gram):
    norms = np.sqrt(np.diag(gram))
    product = np.outer(norms, norms)
    return np.divide(gram, product, out=np.zeros_like(gram), where=product > 0)


def dominant_experts(counts, kept):
    """The most used experts in ascending index order; among equally used ones the lower index is kept."""
    return np.sort(np.lexsort((np.arange(len(counts)), -counts))[:kept])


def group(counts, similarity, kept):
    """The dominant experts, and for each expert the position in them of the one that it joins."""
    dominant = dominant_experts(counts, kept)
    joined = np.argmax(similarity[:, dominant], axis=1)
    joined[dominant] = np.arange(kept)
    return dominant, joined


def merge_weights(counts, joined, kept):
    """Share of each expert within its group; equal shares where the group was never used."""
    weights = counts.astype(np.float64)
    for g in range(kept):
        members = joined == g
        total = weights[members].sum()
        weights[members] = weights[members] / total if total > 0 else 1 / members.sum()
    return weights


# ---- alignment


def neuron_norms(up, down):
    return np.linalg.norm(up, axis=1), np.linalg.norm(down, axis=0)


def canonical(up, down):
    """Scales each neuron so that its up row and its down column have equal norms; zero neurons stay as they are."""
    u, d = neuron_norms(up, down)
    c = np.sqrt(np.divide(d, u, out=np.ones_like(u), where=(u > 0) & (d > 0)))
    c[(u == 0) | (d == 0)] = 1
    return up * c[:, None], down / c


def normalised_product(a, b):
    """Inner products of the rows of a and b, over the Frobenius norms of both."""
    return (a @ b.T) / (np.linalg.norm(a) * np.linalg.norm(b))


def align(reference, member):
    """The permutation p (neuron k of the reference matches neuron p[k] of the member), signs, and both totals."""
    gate_term = normalised_product(reference[0], member[0])
    (up_r, down_r), (up_t, down_t) = canonical(*reference[1:]), canonical(*member[1:])
    signed = normalised_product(up_r, up_t) + normalised_product(down_r.T, down_t.T)
    score = gate_term + np.abs(signed)
    identity = np.arange(len(score))
    permutation = linear_sum_assignment(score, maximize=True)[1]
    totals = score[identity, identity].sum(), score[identity, permutation].sum()
    if totals[0] >= totals[1]:
        permutation = identity
    signs = np.where(signed[identity, permutation] < 0, -1, 1)
    robust = np.array_equal(permutation, linear_sum_assignment(score.astype(np.float32), maximize=True)[1])
    return permutation, signs, totals, robust


def transformed(reference, member, permutation, signs):
    """The member with its neurons in the reference's order, signs and up/down norm ratios."""
    gate, up, down = member[0][permutation], member[1][permutation], member[2][:, permutation]
    u_r, d_r = neuron_norms(*reference[1:])
    u_t, d_t = neuron_norms(up, down)
    usable = (u_r > 0) & (d_r > 0) & (u_t > 0) & (d_t > 0)
    c = np.sqrt(np.divide(u_r * d_t, d_r * u_t, out=np.ones_like(u_r), where=usable))
    return gate, up * (signs * c)[:, None], down / (signs * c)


# ---- merging


def merge_layer(model, layer, counts, gram, kept):
    """The plan of one layer as arrays, and its merged experts as lists of (gate, up, down)."""
    similarity = cosine(gram)
    dominant, joined = group(counts, similarity, kept)
    weights = merge_weights(counts, joined, kept)
    width = model.expert(layer, 0)[0].shape[0]
    permutations = np.tile(np.arange(width, dtype=np.int32), (model.experts, 1))
    signs = np.ones((model.experts, width), dtype=np.int8)
    totals = np.zeros((model.experts, 2))
    merged = []
    for g, reference_index in enumerate(dominant):
        reference = model.expert(layer, reference_index)
        total = [np.zeros_like(matrix) for matrix in reference]
        for e in np.flatnonzero(joined == g):
            member = model.expert(layer, e)
            if e != reference_index:
                permutations[e], signs[e], totals[e], robust = align(reference, member)
                if not robust:
                    print(f"layer {layer} expert {e}: float32 costs give another permutation", file=sys.stderr)
                member = transformed(reference, member, permutations[e], signs[e])
            for sum_, matrix in zip(total, member):
                sum_ += weights[e] * matrix
        merged.append([matrix / weights[joined == g].sum() for matrix in total])
    plan = {
        "similarity": similarity,
        "dominant": dominant.astype(np.int32),
        "group": joined.astype(np.int32),
        "weights": weights,
        "permutation": permutations,
        "sign": signs,
        "totals": totals,
        "router": model.router(layer)[dominant].astype(np.float32),
    }
    return plan, merged


def summaries(layer, merged):
    """Row and column sums of every merged matrix in float64, and every 8th neuron of the sampled layers in float32."""
    tensors = {}
    for part, matrices in zip(("gate", "up", "down"), map(np.stack, zip(*merged))):
        tensors[f"layer.{layer}.{part}.row_sums"] = matrices.sum(axis=2)
        tensors[f"layer.{layer}.{part}.column_sums"] = matrices.sum(axis=1)
        if layer in SAMPLED_LAYERS:
            sample = matrices[:, :, SAMPLED_NEURONS] if part == "down" else matrices[:, SAMPLED_NEURONS]
            tensors[f"layer.{layer}.{part}.sample"] = np.ascontiguousarray(sample, dtype=np.float32)
    return tensors


def main():
    model_directory, output, *texts = sys.argv[1:]
    output = pathlib.Path(output)
    model = Model(model_directory)
    ids = calibration_ids(model_directory, texts)
    sources = [pathlib.Path(text).name for text in texts]
    document = {"model": pathlib.Path(model_directory).name, "texts": sources, "length": LENGTH, "ids": ids.tolist()}
    (output / "calibration.json").write_text(json.dumps(document) + "\n")
    counts, grams = statistics(model, ids)
    tokens = np.array([ids.size], dtype=np.int64)
    save_file({"counts": counts, "logit_gram": grams, "tokens": tokens}, output / "statistics.safetensors")
    for kept in KEPT:
        plan, merged = {}, {}
        for layer in range(model.layers):
            arrays, experts = merge_layer(model, layer, counts[layer], grams[layer], kept)
            plan.update({f"layer.{layer}.{name}": values for name, values in arrays.items()})
            merged.update(summaries(layer, experts))
        save_file(plan, output / f"plan-k{kept}.safetensors")
        save_file(merged, output / f"merged-k{kept}.safetensors")


if __name__ == "__main__":
    main()

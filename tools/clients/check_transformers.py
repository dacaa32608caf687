"""Checks smelt against stock transformers, with the commands that a user would type.

usage: check_transformers.py [--smelt ./smelt] [--work target/clients]
Prints a line for each check and ends with `N passed, M failed`; exits with 1 if one failed. The models are the trained ones
under examples/, and small ones that are made here. Nothing is downloaded.
"""

import argparse
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

from clients import Checks, Smelt, load, logits_of, loss_of, masked, same_files, tensor_bytes

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = ROOT / "examples/quickstart/validation.txt"
CALIBRATION = ROOT / "examples/quickstart/calibration.txt"
LENGTH = 256
# Characters of the text on which merged models are compared; the sources are compared on all of it.
SHORT = 16_000
# Merging variants: name, options.
VARIANTS = (
    ("m-smoe", ()),
    ("m-smoe --align none", ("--align", "none")),
    ("average", ("--method", "average")),
)


def check_loss(check, smelt, title, model, loaded, text):
    """`evaluate` in F32 against a loaded model. Returns the loss."""
    theirs, _ = loss_of(loaded, model, text, LENGTH)
    ours = smelt.evaluate(model, text, LENGTH, "f32")["loss"]
    check.close(f"{title}: evaluate in f32", ours, theirs, 1e-4)
    return ours


def check_evaluation(check, smelt, name, model):
    """`evaluate` against the same definition in transformers, in both number formats."""
    for compute, dtype, tolerance in (("f32", torch.float32, 1e-4), ("bf16", torch.bfloat16, 5e-3)):
        theirs, tokens = loss_of(load(model, dtype)[0], model, TEXT, LENGTH)
        ours = smelt.evaluate(model, TEXT, LENGTH, compute)
        check.close(f"{name}: evaluate in {compute}", ours["loss"], theirs, tolerance)
        check(f"{name}: predicted tokens in {compute}", ours["tokens"] == tokens, f"{ours['tokens']}")


def short_text(work):
    """The beginning of the validation text."""
    file = work / "short.txt"
    file.write_text(TEXT.read_text()[:SHORT])
    return file


def check_loads(check, name, directory):
    """Stock transformers finds exactly the tensors it expects. Returns the model."""
    model, info = load(directory, torch.float32)
    problems = {key: sorted(map(str, info[key])) for key in info if info[key]}
    check(f"{name}: loads with nothing missing, unexpected or mismatched", not problems, json.dumps(problems) if problems else "")
    return model


def check_merge(check, smelt, name, model, work):
    """Half of the experts, in several ways."""
    statistics = work / "statistics.safetensors"
    smelt("calibrate", model, "--text", CALIBRATION, "--sequences", "64", "--length", str(LENGTH), "-o", statistics)
    before = tensor_bytes(model)
    for variant, options in VARIANTS:
        title = f"{name}: merge {variant}"
        output = work / variant.replace(" ", "")
        smelt("merge", model, "-o", output, "--ratio", "0.5", "--statistics", statistics, *options)
        report = json.loads((output / "smelt-report.json").read_text())
        after = tensor_bytes(output)
        good = (before, after) == (report["bytesBefore"], report["bytesAfter"]) and after < before
        check(f"{title}: bytes as reported", good, f"{before:,} -> {after:,}")
        check_loss(check, smelt, title, output, check_loads(check, title, output), short_text(work))
        check(f"{title}: verify", smelt.status("verify", output) == 0)


def renormalises(model):
    """Whether the gate values of the chosen experts are divided by their sum."""
    return model.config.model_type == "mixtral" or getattr(model.config, "norm_topk_prob", False)


def check_drop(check, smelt, name, model, work):
    """Dropping experts is the same as never choosing them; with renormalised gate values, bit by bit."""
    output, title = work / "dropped", f"{name}: drop a quarter"
    smelt("drop", model, "-o", output, "--ratio", "0.25", "--statistics", work / "statistics.safetensors", "--repair", "none")
    layers = json.loads((output / "smelt-report.json").read_text())["layers"]
    survivors = [[group["dominant"] for group in layer["groups"]] for layer in layers]
    dropped = check_loads(check, title, output)
    text = short_text(work)
    with masked(load(model, torch.float32)[0], survivors) as source:
        expected = logits_of(source, model, text, LENGTH)
    difference = (logits_of(dropped, output, text, LENGTH) - expected).abs().max().item()
    # Without renormalisation the softmax over fewer experts is applied as it is, and its sum rounds in another order.
    bound = 0 if renormalises(source) else 1e-4
    check(f"{title}: logits equal to those of the masked source", difference <= bound, f"largest difference {difference:.1e}")
    check_loss(check, smelt, title, output, dropped, text)


def check_repeats(check, smelt, name, model, work):
    """Two whole runs, calibration included, give the same bytes."""
    outputs = [work / "first" / "out", work / "second" / "out"]
    for output in outputs:
        output.parent.mkdir()
        options = ("--ratio", "0.5", "--repair", "none", "--text", CALIBRATION, "--sequences", "32", "--length", str(LENGTH))
        smelt("merge", model, "-o", output, *options)
    different = same_files(*outputs)
    check(f"{name}: two runs give the same bytes", not different, ", ".join(different))
    check(f"{name}: diff of equal checkpoints", smelt.status("diff", *outputs) == 0)
    check(f"{name}: diff of source and merged", smelt.status("diff", model, outputs[0]) == 5)


def fused_copy(model, source, target):
    """Writes a checkpoint with the experts of a layer in two tensors, as transformers holds them in memory."""
    target.mkdir(parents=True)
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, target / name)


def tiny_qwen3_moe(tokenizer, target):
    """Random weights, large enough that the choice of experts matters."""
    torch.manual_seed(7)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "moe_intermediate_size": 48, "head_dim": 16}
    heads = {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2}
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "norm_topk_prob": True}
    config = Qwen3MoeConfig(vocab_size=1024, initializer_range=0.15, max_position_embeddings=512, **sizes, **heads, **experts)
    Qwen3MoeForCausalLM(config).to(torch.bfloat16).save_pretrained(target)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, target / name)


def check_fused(check, smelt, name, model, work):
    """The same weights with fused experts: the same loss, and a merge that stays fused and loads."""
    fused = work / "fused"
    fused_copy(load(model, torch.bfloat16)[0], model, fused)
    text, title = short_text(work), f"{name}, fused"
    loss = check_loss(check, smelt, title, fused, check_loads(check, title, fused), text)
    apart = smelt.evaluate(model, text, LENGTH, "f32")["loss"]
    check(f"{title}: same loss as with experts apart", loss == apart, f"{loss:.6f}")
    output = work / "fused-merged"
    options = ("--ratio", "0.5", "--repair", "none", "--text", CALIBRATION, "--sequences", "16", "--length", str(LENGTH))
    smelt("merge", fused, "-o", output, *options)
    stays = any(tensor.endswith("experts.gate_up_proj") for tensor in load_file(output / "model.safetensors"))
    check(f"{name}, fused: merged experts stay fused", stays)
    title = f"{name}, fused and merged"
    check_loss(check, smelt, title, output, check_loads(check, title, output), text)


def check_unlearn(check, smelt, name, model, work):
    """One expert is trained: nothing else changes, and transformers measures the losses that forget-report does."""
    output, title = work / "unlearned", f"{name}: unlearn"
    forget, retain = work / "forget.txt", work / "retain.txt"
    content = CALIBRATION.read_text()
    forget.write_text(content[:SHORT])
    retain.write_text(content[-SHORT:])
    sets = ("--forget", forget, "--retain", retain, "--length", str(LENGTH), "--compute", "f32")
    training = ("--sequences", "24", "--batch", "4", "--steps", "30", "--lr", "1e-3", "--check-every", "5", "--loss", "ga", "--stop", "forget=1.05x")
    smelt("unlearn", model, "-o", output, *sets, *training)
    target = json.loads((output / "smelt-report.json").read_text())["targets"][0]
    before, after = load_file(model / "model.safetensors"), load_file(output / "model.safetensors")
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    parts = [key for key in before if f"layers.{target['layer']}." in key and f"experts.{target['expert']}." in key]
    router = [key for key in before if f"layers.{target['layer']}." in key and key.endswith("gate.weight") and "experts" not in key]
    check(f"{title}: exactly the target and its router change", changed == {*parts, *router}, ", ".join(sorted(changed)))
    options = ("--continuations", "0", "--relearn", "0", "--windows", "100000", "--json")
    report = json.loads(smelt("forget-report", model, output, *sets, *options))
    unlearned = check_loads(check, title, output)
    for name, text in (("forget", forget), ("retain", retain)):
        theirs, _ = loss_of(unlearned, output, text, LENGTH)
        check.close(f"{title}: {name} loss", report[name]["after"]["loss"], theirs, 1e-4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smelt", type=pathlib.Path, default=ROOT / "smelt")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/clients")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    check, smelt = Checks(), Smelt(arguments.smelt)
    quickstart = ROOT / "examples/quickstart/model"
    for name, model in (("olmoe", quickstart), ("mixtral", ROOT / "examples/models/mixtral-5m")):
        work = arguments.work / name
        work.mkdir(parents=True)
        check_evaluation(check, smelt, name, model)
        check_merge(check, smelt, name, model, work)
        check_drop(check, smelt, name, model, work)
        check_repeats(check, smelt, name, model, work)
        check_unlearn(check, smelt, name, model, work)
    tiny = arguments.work / "tiny" / "model"
    tiny_qwen3_moe(quickstart, tiny)
    check_evaluation(check, smelt, "tiny qwen3_moe", tiny)
    check_fused(check, smelt, "tiny qwen3_moe", tiny, tiny.parent)
    check_fused(check, smelt, "olmoe", quickstart, arguments.work / "olmoe")
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())

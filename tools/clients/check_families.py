"""Checks every supported family against stock transformers: the tiny checkpoints of the tests, reduced by dropping and by merging.

usage: check_families.py [--java JAVA] [--work target/families] [NAME ...]
Prints a line for each check and ends with `N passed, M failed`; exits with 1 if one failed. The commands of smelt run in one
process, so that hundreds of them take a minute.
"""

import argparse
import json
import pathlib
import shlex
import shutil
import subprocess
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.utils import logging

from clients import Checks

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDENS = ROOT / "model/src/test/resources/golden"
EXPERTS = 5
WINDOW = ("--length", "17", "--compute", "f32")
# Four groups of two experts, of which the router keeps two and chooses three: no group can lose an expert, so the groups go.
UNGROUPED = ("deepseek_v2_group", "deepseek_v3", "deepseek_v3_fp8")
VARIANTS = (("drop",), ("merge",))
# Share of the neurons that slimming keeps: no divisor, so that shared experts of the same width field need zeros.
SLIM = "0.7"
SLIMMED = ("deepseek_v2", "deepseek_v3_noqlora", "dots1", "glm4_moe", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe")
# Side of the FP8 blocks that are made here; it divides all sizes.
BLOCK = 4
# Logits are of size 1; both sides compute in F32, but not in the same order.
TOLERANCE = 2e-4
# Checkpoints that stock transformers 5.18 cannot open itself, and why. smelt reduces them all the same.
NOT_IN_STOCK = {
    "mistral4": "AutoModelForCausalLM has no class for mistral4",
    "deepseek_v3_fp8": "it reads only blocks that divide the sizes of the matrices",
}
# Tiny checkpoints that smelt refuses as they are; tests of Java say how.
REFUSED = ("deepseek_v32_sparse",)


def goldens():
    return sorted(path.name for path in GOLDENS.iterdir() if path.name not in REFUSED)


class Batch:
    """smelt's commands in one process; see Batch.java."""

    def __init__(self, java, classpath):
        options = ["--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"]
        options += ["-Dorg.bytedeco.javacpp.maxBytes=0", "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"]
        command = [java, *options, "-cp", classpath, str(ROOT / "tools/clients/Batch.java")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self, *words):
        """What a command does: exit, stdout and stderr."""
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"smelt ended while it ran {' '.join(map(str, words))}")
        return json.loads(line)

    def __call__(self, *words):
        """The standard output of a command; one that fails ends the checks with its message."""
        answer = self.answer(*words)
        if answer["exit"]:
            raise SystemExit(f"exit code {answer['exit']} of {' '.join(map(str, words))}\n{answer['stderr']}")
        return answer["stdout"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def stock(directory):
    """The model in stock transformers, and everything that it noticed."""
    encodes = json.loads((directory / "config.json").read_text()).get("is_encoder_decoder")
    model, info = (AutoModelForSeq2SeqLM if encodes else AutoModelForCausalLM).from_pretrained(
        directory,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
        output_loading_info=True,
        local_files_only=True,
    )
    problems = {key: sorted(map(str, info[key])) for key in info if info[key]}
    # MXFP4 becomes BF16 whatever type is asked for; F32 holds the same values.
    return model.float().eval(), problems


def outputs(model, ids):
    """Logits, and the ids that the decoder reads: of an encoder-decoder the second half, after a start token."""
    if not model.config.is_encoder_decoder:
        return model(ids, use_cache=False).logits.float(), ids
    half = ids.shape[1] // 2
    start, read = torch.tensor([[model.config.decoder_start_token_id]]), ids[:, half:]
    decoder = torch.cat((start, read[:, 1:]), 1)
    return model(ids[:, :half], decoder_input_ids=decoder, use_cache=False).logits.float(), read


def loss(logits, ids):
    """Mean negative log-likelihood per predicted token."""
    return torch.nn.functional.cross_entropy(logits[0, :-1].double(), ids[0, 1:]).item()


@torch.no_grad()
def check_reduced(check, smelt, title, reduced, golden, ids):
    """Stock transformers finds exactly the tensors it expects, and gets our logits from them."""
    ours = reduced / "logits.tensors"
    smelt("logits", reduced, ",".join(map(str, ids[0].tolist())), ours)
    logits = load_file(ours)["logits"]
    if golden in NOT_IN_STOCK:
        check(f"{title}: finite; not compared, {NOT_IN_STOCK[golden]}", bool(logits.isfinite().all()))
        return
    try:
        model, problems = stock(reduced)
    except Exception as failure:  # whatever stops the loading is a failed check, not the end of all
        check(f"{title}: loads", False, f"{type(failure).__name__}: {failure}")
        return
    check(f"{title}: loads with nothing missing, unexpected or mismatched", not problems, json.dumps(problems) if problems else "")
    theirs, read = outputs(model, ids)
    difference = (theirs - logits[:, -read.shape[1] :]).abs().max().item()
    check(f"{title}: same logits", difference <= TOLERANCE, f"largest difference {difference:.1e}")
    evaluated = json.loads(smelt("evaluate", reduced, "--text", GOLDENS / golden / "golden.safetensors", *WINDOW, "--json"))["loss"]
    check.close(f"{title}: same loss", evaluated, loss(theirs, read), 1e-4)


def check_family(check, smelt, golden, work, source=None, variants=VARIANTS, more=()):
    """Experts dropped, and experts merged."""
    source, text = source or GOLDENS / golden, GOLDENS / golden / "golden.safetensors"
    ids = load_file(text)["input_ids"]
    options = ["--text", text, "--sequences", "1", *WINDOW]
    options += more or ("--experts", nearest(source), *(("--ungroup",) if golden in UNGROUPED else ()))
    for variant in variants:
        reduced, title = work / "".join(variant), f"{work.name}: {' '.join(variant)}"
        repair = () if "--repair" in variant else ("--repair", "none")
        answer = smelt.answer(*variant, source, "-o", reduced, *options, *repair)
        if answer["exit"]:
            check(title, False, answer["stderr"].strip())
        else:
            check_reduced(check, smelt, title, reduced, golden, ids)


def check_slim(check, smelt, golden, work):
    """Experts of another width, and shared experts that hang on the same field."""
    source, text, reduced = GOLDENS / golden, GOLDENS / golden / "golden.safetensors", work / "slim"
    ids = load_file(text)["input_ids"]
    options = ["--method", "slim", "--parameter-ratio", SLIM, "--text", text, "--sequences", "1", *WINDOW]
    answer = smelt.answer("compress", source, "-o", reduced, *options)
    if answer["exit"]:
        check(f"{work.name}: slim", False, answer["stderr"].strip())
    else:
        check_reduced(check, smelt, f"{work.name}: slim", reduced, golden, ids)


def nearest(source):
    """Five of eight experts; one fewer where there are only four."""
    config = json.loads((source / "config.json").read_text())
    return 3 if config.get("num_local_experts") == 4 else EXPERTS


def copy(golden, target, changes, change=lambda tensors: tensors):
    """A copy of a tiny checkpoint with other fields and other tensors."""
    target.mkdir(parents=True)
    config = json.loads((GOLDENS / golden / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | changes))
    tensors = change(load_file(GOLDENS / golden / "model.safetensors"))
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def fp8(tensors):
    """The projections in FP8, each block with a scale."""
    result = {}
    for name, tensor in tensors.items():
        if not name.endswith("_proj.weight") and "_proj_" not in name:
            result[name] = tensor.bfloat16() if tensor.dim() == 2 else tensor
            continue
        rows, columns = tensor.shape
        blocks = tensor.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
        scales = blocks.abs().amax((1, 3)) / 448
        result[name] = (blocks / scales[:, None, :, None]).reshape(rows, columns).to(torch.float8_e4m3fn)
        result[f"{name}_scale_inv"] = scales
    return result


def check_fp8(check, smelt, work):
    """FP8 in blocks: copied experts stay as they are, computed ones become BF16 or FP8 again."""
    quantised = {"quant_method": "fp8", "weight_block_size": [BLOCK, BLOCK], "activation_scheme": "dynamic"}
    source = copy("deepseek_v3_noqlora", work / "source", {"quantization_config": quantised}, fp8)
    variants = (*VARIANTS, ("merge", "--requantise"), ("drop", "--repair", "refit"))
    check_family(check, smelt, "deepseek_v3_noqlora", work / "deepseek_v3 in fp8", source, variants)


def check_groups(check, smelt, work):
    """Two groups of four experts: three of each stay."""
    source = copy("deepseek_v3", work / "source", {"n_group": 2, "topk_group": 1})
    check_family(check, smelt, "deepseek_v3", work / "deepseek_v3 in two groups", source, more=("--experts", "6"))


def check_worked_example(check, smelt, work):
    """The command of CONTRIBUTING.md that makes a tiny checkpoint: smelt computes what its golden says."""
    text = (ROOT / "CONTRIBUTING.md").read_text().replace("\\\n", " ")
    command = shlex.split(next(line for line in text.splitlines() if "tiny_checkpoint.py" in line))
    target = work / command[2]
    subprocess.run([sys.executable, ROOT / command[1], command[2], target, *command[4:]], check=True)
    golden = load_file(target / "golden.safetensors")
    smelt("logits", target, ",".join(map(str, golden["input_ids"][0].tolist())), work / "logits.tensors")
    difference = (load_file(work / "logits.tensors")["logits"] - golden["logits"]).abs().max().item()
    check(f"worked example {command[2]}: same logits", difference <= TOLERANCE, f"largest difference {difference:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java", default="java", help="a Java 25")
    parser.add_argument("--classpath", default=f"{ROOT}/cli/target/smelt/lib/*", help="where smelt's classes are")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/families")
    parser.add_argument("goldens", nargs="*", metavar="NAME", help="tiny checkpoints; all of them if none is named")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    check, smelt = Checks(), Batch(arguments.java, arguments.classpath)
    for golden in arguments.goldens or goldens():
        check_family(check, smelt, golden, arguments.work / golden)
        if golden in SLIMMED:
            check_slim(check, smelt, golden, arguments.work / golden)
    if not arguments.goldens:
        check_fp8(check, smelt, arguments.work / "fp8")
        check_groups(check, smelt, arguments.work / "groups")
        check_worked_example(check, smelt, arguments.work)
    smelt.close()
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())

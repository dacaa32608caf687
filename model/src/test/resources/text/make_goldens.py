"""Writes goldens.json beside this file with transformers: token ids of texts, and rendered templates.

Run: python make_goldens.py   (transformers 5.x with jinja2)
"""

import datetime
import hashlib
import json
import pathlib
import struct

from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2026, 3, 5, 12, 0)


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = FixedTime


def encode(tokenizer, text):
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def main():
    tokenizer = AutoTokenizer.from_pretrained(HERE)
    texts = {
        "plain": "In the beginning God created the heaven and the earth.",
        "unicode": "Naïve ☃ 😀 \u200b\u00a0 ﬁ Straße e\u0301 日本語",
        "special": "one<|endoftext|>two",
        "space": "  \n\n\t x  \r\n y\0z",
        "empty": "",
        "long": ((HERE / "austen.txt").read_bytes().decode() + (HERE / "kjv.txt").read_bytes().decode()) * 20,
    }
    encoded = []
    for name, text in texts.items():
        ids = encode(tokenizer, text)
        digest = hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()
        entry = {"name": name, "count": len(ids), "sha256": digest}
        if name != "long":
            entry |= {"text": text, "ids": ids}
        encoded.append(entry)
    rendered = []
    conversations = json.loads((HERE / "conversations.json").read_text())
    for file in sorted((HERE / "templates").glob("*.jinja")):
        for index, conversation in enumerate(conversations):
            entry = {"template": file.name, "conversation": index}
            try:
                entry["text"] = tokenizer.apply_chat_template(
                    conversation["messages"],
                    tools=conversation.get("tools"),
                    chat_template=file.read_text(),
                    tokenize=False,
                )
            except Exception as problem:
                entry["raises"] = str(problem)
            rendered.append(entry)
    goldens = {"encoded": encoded, "rendered": rendered}
    (HERE / "goldens.json").write_text(json.dumps(goldens, ensure_ascii=True, indent=1) + "\n")


main()

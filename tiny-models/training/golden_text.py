"""The golden files of a checkpoint with a tokenizer: numbers on real text, token ids, and prompts.jsonl."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoTokenizer, Glm4MoeForCausalLM

from generator import tasks
from generator.chat import END, PLAIN_SYSTEM, Chat, render
from generator.prompts import Prompt, chat_prompts, prose_prompts, story_prompts, task_prompts
from generator.rng import SplitMix64
from generator.stories import Stories
from golden import MIN_GAP, forward_with_taps, gap, golden_file, greedy_tensors, load, mtp_tensors, save
from mtp import Mtp

TOKENS = 256
TEXTS = (
    "Once upon a time there was a little fox named Rufus.",
    "",
    " ",
    "   leading blanks, trailing blanks   ",
    "two\nlines\n\nand a gap\n",
    "\ttabs\tand\r\ncarriage returns",
    "sort: 62 7 41 =>",
    "add: 58 + 67 => 125\n",
    'get: age from {"name":"Lily","age":34} =>',
    "<|user|>What is 3 plus 4?<|end|><|assistant|>3 plus 4 is 7.<|end|>",
    "Grüße aus Köln, señor Müller: ça va? Łódź",
    "日本語のテキスト, 한국어, русский, ελληνικά, עברית",
    "😀 👩‍👩‍👧 🇩🇪 emoji 🧪, e\u0301 combining",
    "don't, won't, I'm, they'll; it's 100% \"quoted\" (and) [so] on… — end",
    "aaaaaaaaaaaaaaaaaaaaaaaa 0123456789 1234567890123 3.14159 1,000,000",
    "\u00a0no-break\u2003em space\u200bzero width",
)
CHATS = (
    [{"role": "user", "content": "Hello!"}],
    [{"role": "system", "content": PLAIN_SYSTEM}, {"role": "user", "content": "What is the capital of France?"}],
    [
        {"role": "user", "content": "My name is Lily."},
        {"role": "assistant", "content": "Hello Lily, nice to meet you."},
        {"role": "user", "content": "What is my name?"},
    ],
    [{"role": "user", "content": "  blanks kept,\nlines too 😀 "}],
)


def mixed_text(seed: int) -> str:
    """A held-out story, a chat and some tasks: enough for TOKENS tokens."""
    rng = SplitMix64(seed)
    stories = Stories()
    chat = Chat(stories)
    story = stories.of_split(rng, held=True, chapters=1).text
    turns = [chat.simple_turn(rng, held=True) for _ in range(4)]
    lines = [p + tasks.solve(p) for p in (tasks.task_of_split(rng, held=True) for _ in range(12))]
    return story[:350] + END + render(PLAIN_SYSTEM, turns) + END + "\n".join(lines) + "\n"


def ids_of(tokenizer: Tokenizer, text: str) -> Tensor:
    return torch.tensor(tokenizer.encode(text).ids)


def numbers(directory: Path, model: Glm4MoeForCausalLM, tokenizer: Tokenizer, prompts: list[Prompt]) -> None:
    for seed in range(3000, 3200):
        ids = ids_of(tokenizer, mixed_text(seed))[:TOKENS]
        tensors = forward_with_taps(model, ids)
        if len(ids) == TOKENS and gap(tensors["logits"]).min() >= MIN_GAP:
            break
    else:
        raise AssertionError("no text without near ties")
    print(f"{directory.name}: text seed {seed}, smallest gap of logits {gap(tensors['logits']).min():.4f}")
    candidates = [2, 3, 16, 17, 40, 64, 100, 128, 150, 180, 200, 230, 256]
    tensors |= mtp_tensors(Mtp(directory, model), ids, tensors["hidden"], candidates, 10)
    wanted = ("story", "chat:plus", "task:sort", "prose", "chat:story", "task:get", "chat:reading", "story")
    chosen: dict[str, dict[str, Tensor]] = {}
    for number, kind in enumerate(wanted):  # for each kind the first prompt without near ties
        texts = [ids_of(tokenizer, p.prompt) for p in prompts if p.kind == kind][number // 7 :]
        chosen[f"{number}"] = greedy_tensors(model, texts, 1)
    save(directory, tensors | stacked(list(chosen.values())))


def stacked(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    width = max(p["greedy.prompts"].shape[1] for p in parts)
    padded = [torch.nn.functional.pad(p["greedy.prompts"], (0, width - p["greedy.prompts"].shape[1])) for p in parts]
    return {
        "greedy.prompts": torch.cat(padded),
        "greedy.prompt_lengths": torch.cat([p["greedy.prompt_lengths"] for p in parts]),
        "greedy.tokens": torch.cat([p["greedy.tokens"] for p in parts]),
    }


def token_ids(directory: Path, tokenizer: Tokenizer) -> None:
    """../golden/MODEL.text.json: ids by Hugging Face's tokenizers, chat strings by transformers' template engine."""
    with_template = AutoTokenizer.from_pretrained(directory)
    texts = [{"text": t, "ids": tokenizer.encode(t).ids} for t in TEXTS]
    chats = []
    for messages in CHATS:
        text = with_template.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = with_template.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        assert ids == tokenizer.encode(text).ids
        chats.append({"messages": messages, "text": text, "ids": ids})
    for entry in texts:  # the transformers wrapper must agree with the bare library
        assert with_template(entry["text"], add_special_tokens=False)["input_ids"] == entry["ids"], entry
    path = golden_file(directory, ".text.json")
    path.write_text(json.dumps({"texts": texts, "chats": chats}, indent=1, ensure_ascii=False) + "\n")


def demo_prompts(corpora: Path) -> list[Prompt]:
    """About sixty prompts of every kind; all held out."""
    prompts = [*task_prompts(2), *chat_prompts(2), *prose_prompts(corpora, 6)]
    stories = list(story_prompts(8))
    return prompts + [p for p in stories if p.kind == "story"] + [p for p in stories if p.kind == "chat:story"][:4]


def read_prompts(path: Path) -> list[Prompt]:
    return [Prompt(**json.loads(line)) for line in path.read_text().splitlines()]


def text_golden(directory: Path) -> None:
    """Needs prompts.jsonl in the directory: see `write_prompts`."""
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    token_ids(directory, tokenizer)
    numbers(directory, load(directory), tokenizer, read_prompts(directory / "prompts.jsonl"))


def write_prompts(directory: Path, corpora: Path) -> None:
    lines = [json.dumps(p.as_json(), ensure_ascii=False) for p in demo_prompts(corpora)]
    (directory / "prompts.jsonl").write_text("\n".join(lines) + "\n")

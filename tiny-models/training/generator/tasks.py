"""One-line tasks with exactly one right answer: "sort: 62 7 41 =>" is continued by " 7 41 62".

`solve` computes the answer from the prompt's text alone, so it also checks what a model wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from .rng import SplitMix64, held_out

MARK = " =>"
WORDS = (
    "cat dog sun hat box red pen cup map fox bee jam log key owl pig rug tea van web ant bag cow egg fan "
    "boat tree milk lamp ring fish bird door star moon book shoe leaf rain snow hand rock wind corn gold"
).split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
NAMES = "Lily Tim Anna Ben Mia Sam Rose Max Emma Leo Lucy Jack Ella Finn Ruby Hugo".split()
CITIES = "Oslo Rome Lima Cairo Paris Tokyo Delhi Quito Bern Accra".split()
COLORS = "red blue green yellow white brown purple orange black pink".split()
PETS = "rabbit fox mouse duck cat dog frog turtle owl goat pony".split()
FIELDS = ("name", "age", "city", "pet", "color")


def in_words(number: int) -> str:
    """0 .. 99 spelled out."""
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")


def record(rng: SplitMix64) -> dict[str, str | int]:
    """A small JSON object with all fields in a fixed order."""
    values = (rng.pick(NAMES), 5 + rng.below(60), rng.pick(CITIES), rng.pick(PETS), rng.pick(COLORS))
    return dict(zip(FIELDS, values))


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def some_words(rng: SplitMix64, low: int, high: int) -> str:
    return " ".join(rng.pick(WORDS) for _ in range(low + rng.below(high - low + 1)))


def some_numbers(rng: SplitMix64, low: int, high: int) -> str:
    return " ".join(str(rng.below(100)) for _ in range(low + rng.below(high - low + 1)))


def minus(rng: SplitMix64) -> str:
    low, high = sorted((rng.below(100), rng.below(100)))
    return f"{high} - {low}"


def count_argument(rng: SplitMix64) -> str:
    few = rng.sample(WORDS, 4)
    words = [rng.pick(few) for _ in range(4 + rng.below(5))]
    return f"{rng.pick(words)} in {' '.join(words)}"


def get_argument(rng: SplitMix64) -> str:
    if rng.chance(1, 2):
        entry = record(rng)
        fields = rng.sample(FIELDS, 2 + rng.below(4))
        entry = {f: entry[f] for f in FIELDS if f in fields}
    else:
        fields = rng.sample(WORDS, 3 + rng.below(3))
        entry = {f: rng.below(100) for f in fields}
    return f"{rng.pick(fields)} from {compact(entry)}"


def day_argument(rng: SplitMix64) -> str:
    return f"{rng.pick(DAYS)} + {1 + rng.below(6)}"


ARGUMENTS: dict[str, Callable[[SplitMix64], str]] = {
    "copy": lambda r: some_words(r, 3, 8),
    "reverse": lambda r: some_words(r, 3, 7),
    "sort": lambda r: some_numbers(r, 3, 6),
    "add1": lambda r: f"{r.below(10)} + {r.below(10)}",
    "add2": lambda r: f"{10 + r.below(90)} + {10 + r.below(90)}",
    "sub": minus,
    "mul": lambda r: f"{r.below(13)} * {r.below(13)}",
    "max": lambda r: some_numbers(r, 3, 6),
    "min": lambda r: some_numbers(r, 3, 6),
    "count": count_argument,
    "words": lambda r: str(r.below(100)),
    "day": day_argument,
    "get": get_argument,
    "first": lambda r: some_words(r, 3, 8),
    "last": lambda r: some_words(r, 3, 8),
    "upper": lambda r: some_words(r, 2, 4),
}
# Sums of one and of two digits are two kinds for the report and one task for the model.
SPOKEN = {"add1": "add", "add2": "add"}
# Kinds with few prompts in all get less of the training text, hard ones more.
WEIGHTS = {"add1": 1, "day": 1, "words": 1, "mul": 1, "first": 1, "last": 1, "upper": 1, "sort": 4, "reverse": 3, "add2": 4, "get": 6}
# With so few prompts these can only be learned by heart, so none is held out.
TABLES = ("day", "words", "mul")


def counted(words: str) -> str:
    word, listed = words.split(" in ")
    return str(listed.split().count(word))


def looked_up(argument: str) -> str:
    name, text = argument.split(" from ", 1)
    return str(json.loads(text)[name])


def later_day(argument: str) -> str:
    day, plus = argument.split(" + ")
    return DAYS[(DAYS.index(day) + int(plus)) % 7]


def calculated(argument: str) -> str:
    left, operator, right = argument.split()
    a, b = int(left), int(right)
    return str(a + b if operator == "+" else a - b if operator == "-" else a * b)


SOLVERS: dict[str, Callable[[str], str]] = {
    "copy": lambda a: a,
    "reverse": lambda a: " ".join(reversed(a.split())),
    "sort": lambda a: " ".join(sorted(a.split(), key=int)),
    "add": calculated,
    "sub": calculated,
    "mul": calculated,
    "max": lambda a: max(a.split(), key=int),
    "min": lambda a: min(a.split(), key=int),
    "count": counted,
    "words": lambda a: in_words(int(a)),
    "day": later_day,
    "get": looked_up,
    "first": lambda a: a.split()[0],
    "last": lambda a: a.split()[-1],
    "upper": lambda a: a.upper(),
}


def solve(prompt: str) -> str:
    """The right continuation of a task prompt, with its leading blank and without the line's end."""
    task, argument = prompt.removesuffix(MARK).split(": ", 1)
    return " " + SOLVERS[task](argument)


def task(rng: SplitMix64, kind: str) -> str:
    """A prompt of this kind, of either split. No blank at its end: words carry their own leading blank."""
    return f"{SPOKEN.get(kind, kind)}: {ARGUMENTS[kind](rng)}{MARK}"


def task_of_split(rng: SplitMix64, held: bool, kind: str | None = None) -> str:
    """A prompt of the wanted split; tables have only one, which held-out text takes when asked by name."""
    while True:
        drawn = kind or rng.pick(WEIGHTED)
        prompt = task(rng, drawn)
        if drawn in TABLES and (kind or not held):
            return prompt
        if drawn not in TABLES and held_out(prompt) == held:
            return prompt


WEIGHTED = [kind for kind in ARGUMENTS for _ in range(WEIGHTS.get(kind, 2))]


def json_lines(rng: SplitMix64) -> str:
    """A few records with increasing ids, one a line: text that is partly certain and partly not."""
    first = 1 + rng.below(900)
    return "\n".join(json.dumps({"id": first + i} | record(rng)) for i in range(3 + rng.below(5)))

"""Long conversations with facts to remember: told early, asked for 60 to 4,000 tokens later.

Every fact is drawn anew for its document, so only the document can answer: "the number of Lily is 47",
"the pet of Tim is owl". No name has two facts of a kind in one document.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import tasks
from .chat import ASSISTANT, END, USER, Chat, Turn, render
from .rng import SplitMix64

KINDS = ("number", "color", "pet", "city", "word")
REMEMBERED = "I will remember it."


@dataclass(frozen=True)
class Fact:
    kind: str
    name: str
    value: str

    def said(self) -> str:
        return f"the {self.kind} of {self.name} is {self.value}"

    def question(self) -> str:
        return f"What is the {self.kind} of {self.name}?"

    def answer(self) -> str:
        return f"The {self.kind} of {self.name} is {self.value}."


def value(kind: str, rng: SplitMix64) -> str:
    """One of 90 numbers, 10 colors, 11 pets, 10 cities or 48 words."""
    if kind == "number":
        return str(10 + rng.below(90))
    return rng.pick({"color": tasks.COLORS, "pet": tasks.PETS, "city": tasks.CITIES, "word": tasks.WORDS}[kind])


def chance(kind: str) -> float:
    return 1 / {"number": 90, "color": len(tasks.COLORS), "pet": len(tasks.PETS), "city": len(tasks.CITIES), "word": len(tasks.WORDS)}[kind]


class Recall:
    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def facts(self, rng: SplitMix64, count: int) -> list[Fact]:
        keys = rng.sample([(kind, name) for kind in KINDS for name in tasks.NAMES], count)
        return [Fact(kind, name, value(kind, rng)) for kind, name in keys]

    def told(self, facts: list[Fact]) -> Turn:
        said = ". ".join(f.said() for f in facts)
        return Turn("chat:told", f"Remember: {said}.", REMEMBERED, REMEMBERED)

    def filler(self, rng: SplitMix64) -> Turn:
        return self.chat.story_turn(rng) if rng.chance(1, 5) else self.chat.simple_turn(rng)

    def document(self, rng: SplitMix64, characters: int, most: int) -> str:
        """Facts are told in the first half of the text and asked for everywhere, most of them once."""
        dense = rng.chance(2, 3)  # few other turns, and more facts to a turn
        facts = self.facts(rng, (most // 2 if dense else 2) + rng.below(most // 2))
        known: list[Fact] = []
        fresh: list[Fact] = []  # not asked for yet: an answer repeats its fact
        turns: list[Turn] = []
        written = 0
        while written < characters:
            early = not known or written < characters // 2
            draw = rng.below(10)
            if len(known) < len(facts) and early and (draw < 4 or not known):
                several = facts[len(known) : len(known) + 1 + rng.below(5 if dense else 3)]
                known += several
                fresh += several
                turn = self.told(several)
            elif draw < (9 if dense else 7) and (fresh or rng.chance(1, 4)):
                fact = rng.pick(fresh or known)
                fresh = [f for f in fresh if f is not fact]
                turn = Turn("chat:asked", fact.question(), fact.answer(), fact.answer())
            else:
                turn = self.filler(rng)
            turns.append(turn)
            written += len(turn.question) + len(turn.answer)
        return render("", turns)

    def prompt(self, rng: SplitMix64, characters: int, others: int) -> tuple[str, Fact]:
        """A fact among `others`, then `characters` of other turns, then its question."""
        facts = self.facts(rng, others + 1)
        asked = facts[rng.below(len(facts))]
        turns = [self.told([fact]) for fact in facts]
        written = 0
        while written < characters:
            turns.append(self.filler(rng))
            written += len(turns[-1].question) + len(turns[-1].answer)
        return f"{render('', turns)}{END}{USER}{asked.question()}{END}{ASSISTANT}", asked

"""Short stories from the grammar in stories.txt: one class writes them and checks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .rng import SplitMix64, held_out

HERE = Path(__file__).parent
STORY_SLOTS = {
    "name", "kind", "trait", "home", "relative", "hobby", "friend", "friend_kind", "friend_trait",
    "he", "him", "his", "himself", "He", "His",
}  # fmt: skip
ALIASES = {"color2": "color", "friend_kind": "kind", "friend_trait": "trait", "When": "when", "Later": "later"}
PRONOUNS = {
    True: {"he": "he", "him": "him", "his": "his", "himself": "himself", "He": "He", "His": "His"},
    False: {"he": "she", "him": "her", "his": "her", "himself": "herself", "He": "She", "His": "Her"},
}
SLOT = re.compile(r"\{(\w+)\}")


def with_articles(text: str) -> str:
    """"a apple" -> "an apple"; templates only ever write "a"."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def without_articles(text: str) -> str:
    return re.sub(r"\b([Aa])n (?=[aeiou])", r"\1 ", text)


def read_words() -> dict[str, list[str]]:
    words = {}
    for line in (HERE / "words.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            slot, values = line.split(":", 1)
            words[slot] = [without_articles(v.strip()) for v in values.split("|")]
    words["name"] = words["friend"] = [n for pair in zip(words["boy"], words["girl"]) for n in pair]
    return words


@dataclass
class Block:
    """Beats of a shared block or a plot; a beat is a list of templates, or the name of a shared block."""

    beats: list[list[str]] = field(default_factory=lambda: [[]])
    morals: list[str] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)


def read_grammar() -> dict[str, Block]:
    blocks: dict[str, Block] = {}
    block = Block()
    for line in (HERE / "stories.txt").read_text().splitlines():
        line = without_articles(line.strip())
        if not line or line.startswith("#"):
            continue
        if line.startswith("== "):
            block = blocks[line[3:]] = Block()
        elif line == "--":
            block.beats.append([])
        elif line.startswith("moral "):
            block.morals.append(line[6:])
        elif line.startswith("ask "):
            question, answer = line[4:].split(" = ")
            block.questions.append((question, answer))
        else:
            block.beats[-1].append(line)
    return blocks


@dataclass(frozen=True)
class Story:
    text: str
    name: str
    kind: str
    trait: str
    questions: list[tuple[str, str]]

    @property
    def opening(self) -> str:
        """The first two sentences: the prompt of a story, and what decides whether it is held out."""
        first = self.text.index(". ") + 1
        return self.text[: self.text.index(". ", first) + 1]


@dataclass(frozen=True)
class Verdict:
    """What the checker found: `consistent` only if the whole text follows the grammar with fixed slots."""

    consistent: bool
    understood: float  # share of characters before the first sentence that fits nowhere
    stuck_at: str


class Stories:
    def __init__(self) -> None:
        self.words = read_words()
        self.blocks = read_grammar()
        self.plots = [name for name in self.blocks if name.startswith("plot ")]
        self.boys = set(self.words["boy"])

    # ---- writing

    def slots(self, rng: SplitMix64, chapter_only: dict[str, str] | None = None) -> dict[str, str]:
        """Values for all slots; with `chapter_only`, hero, friend and home stay as they are.

        What is likely to happen depends on the kind of the hero (`turn`): foxes lose other things than
        owls, and meet other friends. So a model that always takes the likeliest word tells many stories.
        """
        kind = chapter_only["kind"] if chapter_only else rng.favour(self.words["kind"])
        turn = self.turn(kind)
        chosen = {slot: rng.favour(values, turn) for slot, values in self.words.items()}
        chosen["kind"] = kind
        chosen["friend_kind"], chosen["friend_trait"] = (rng.favour(self.words[s], turn + 1) for s in ("kind", "trait"))
        chosen["color2"] = rng.favour(self.words["color"], turn + 5)
        chosen["name"], chosen["friend"] = self.two_names(rng, turn)
        chosen["kind"] = self.fitting_kind(chosen["name"], chosen["kind"])
        chosen["friend_kind"] = self.fitting_kind(chosen["friend"], chosen["friend_kind"])
        chosen["When"], chosen["Later"] = chosen["when"], chosen["later"]
        chosen |= PRONOUNS[chosen["name"] in self.boys]
        if chapter_only:
            chosen |= {slot: chapter_only[slot] for slot in STORY_SLOTS}
        return chosen

    def turn(self, kind: str) -> int:
        """How far the favourites are turned for a hero of this kind; a boy and a girl are alike."""
        return 7 * self.words["kind"].index("boy" if kind == "girl" else kind)

    def two_names(self, rng: SplitMix64, turn: int) -> tuple[str, str]:
        name = rng.favour(self.words["name"])
        while (friend := rng.favour(self.words["name"], turn + 3)) == name:
            pass
        return name, friend

    def choose_plots(self, rng: SplitMix64, kind: str, count: int) -> list[str]:
        """Different plots; half of the time the first one is the favourite of the hero's kind."""
        left, plots = list(self.plots), []
        while len(plots) < count:
            index = self.turn(kind) % len(left) if rng.chance(1, 2) else rng.below(len(left))
            plots.append(left.pop(index))
        return plots

    def fitting_kind(self, name: str, kind: str) -> str:
        if kind in ("boy", "girl"):
            return "boy" if name in self.boys else "girl"
        return kind

    def chapter_beats(self, plot: str, first: bool) -> list[list[str]]:
        """The beats of a plot with shared blocks put in; a later chapter already knows the friend."""
        when, who = ("{When}", ", a {friend_trait} {friend_kind}") if first else ("{Later}", "")
        beats = []
        for beat in self.blocks[plot].beats:
            if beat == ["meet"]:
                beat = self.blocks["meet" if first else "again"].beats[0]
            beats.append([t.replace("{When}", when).replace("{who}", who) for t in beat])
        return beats

    def write(self, rng: SplitMix64, chapters: int | None = None) -> Story:
        """A story that is in the training half of the hash split or not: the caller looks."""
        if chapters is None:
            chapters = 1 + rng.chance(2, 5) + rng.chance(1, 5) + rng.chance(1, 10)
        slots = hero = self.slots(rng)
        lines = [rng.favour(self.blocks["opening"].beats[0])]
        if rng.chance(3, 4):
            lines.append(rng.favour(self.blocks["home"].beats[0]))
        if rng.chance(2, 3):
            lines.append(rng.favour(self.blocks["hobby"].beats[0]))
        parts, questions = [], []
        plots = self.choose_plots(rng, hero["kind"], chapters)
        for number, plot in enumerate(plots):
            if number:
                slots = self.slots(rng, chapter_only=hero)
            lines += [rng.favour(beat) for beat in self.chapter_beats(plot, number == 0)]
            if number == chapters - 1:
                lines.append(rng.favour(self.blocks["ending"].beats[0]))
                if rng.chance(2, 3):
                    lines.append(rng.favour(self.blocks[plot].morals))
            parts.append(" ".join(fill(line, slots) for line in lines))
            lines = []
            questions += self.answerable(plot, parts[-1], slots)
        text = with_articles("\n".join(parts))
        return Story(text, hero["name"], hero["kind"], hero["trait"], questions if chapters == 1 else [])

    def answerable(self, plot: str, text: str, slots: dict[str, str]) -> list[tuple[str, str]]:
        """Questions whose answer the text states: every slot of the pair occurs in it."""
        found = []
        for question, answer in self.blocks[plot].questions:
            used = {s for s in SLOT.findall(question + answer) if s not in PRONOUNS[True]}
            if all(slots[s] in text for s in used):
                found.append((with_articles(fill(question, slots)), with_articles(fill(answer, slots))))
        return found

    def train_story(self, rng: SplitMix64, chapters: int | None = None) -> Story:
        return self.of_split(rng, False, chapters)

    def of_split(self, rng: SplitMix64, held: bool, chapters: int | None = None) -> Story:
        while True:
            story = self.write(rng, chapters)
            if held_out(story.opening) == held:
                return story

    # ---- checking

    def check(self, text: str) -> Verdict:
        """Parses `text` with the grammar: all beats in order, each slot with one value, right articles."""
        if with_articles(without_articles(text)) != text:
            wrong = next(i for i, (a, b) in enumerate(zip(text, with_articles(without_articles(text)))) if a != b)
            return Verdict(False, wrong / len(text), text[wrong : wrong + 60])
        plain = without_articles(text).rstrip("\n")
        parser = Parser(self, plain)
        done = any(end == len(plain) for end in parser.story())
        stuck = plain[parser.furthest : parser.furthest + 60]
        return Verdict(done, 1.0 if done else parser.furthest / max(1, len(plain)), "" if done else stuck)


def fill(template: str, slots: dict[str, str]) -> str:
    return SLOT.sub(lambda m: slots[m[1]], template)


class Parser:
    """A backtracking parser: every method yields (end position, bindings) of each way to read on."""

    def __init__(self, grammar: Stories, text: str) -> None:
        self.grammar = grammar
        self.text = text
        self.furthest = 0

    def story(self) -> Iterator[int]:
        blocks = self.grammar.blocks
        for at, slots in self.beat(blocks["opening"].beats[0], 0, {}):
            for at2, slots2 in self.optional(blocks["home"].beats[0], at, slots):
                for at3, slots3 in self.optional(blocks["hobby"].beats[0], at2, slots2):
                    yield from self.chapters(at3, slots3, ())

    def chapters(self, at: int, slots: dict[str, str], told: tuple[str, ...]) -> Iterator[int]:
        """Chapters from `at` on; `told` are the plots so far, and no plot is told twice."""
        first = not told
        if first and not self.text.startswith(" ", at):
            return
        for plot in (p for p in self.grammar.plots if p not in told):
            beats = self.grammar.chapter_beats(plot, first)
            for end, bound in self.beats(beats, at + 1, slots):
                for last, bound2 in self.spaced(self.grammar.blocks["ending"].beats[0], end, bound):
                    yield last
                    yield from (e for e, _ in self.spaced(self.grammar.blocks[plot].morals, last, bound2))
                if self.text.startswith("\n", end):
                    kept = {slot: value for slot, value in bound.items() if slot in STORY_SLOTS}
                    yield from self.chapters(end, kept, (*told, plot))

    def beats(self, beats: list[list[str]], at: int, slots: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
        for end, bound in self.beat(beats[0], at, slots):
            if len(beats) == 1:
                yield end, bound
            elif self.text.startswith(" ", end):
                yield from self.beats(beats[1:], end + 1, bound)

    def spaced(self, templates: list[str], at: int, slots: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
        if self.text.startswith(" ", at):
            yield from self.beat(templates, at + 1, slots)

    def optional(self, templates: list[str], at: int, slots: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
        yield from self.spaced(templates, at, slots)
        yield at, slots

    def beat(self, templates: list[str], at: int, slots: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
        for template in templates:
            yield from self.pieces(SLOT.split(template), 0, at, slots)

    def pieces(self, parts: list[str], index: int, at: int, slots: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
        """`parts` alternates literal text and slot names."""
        if not self.text.startswith(parts[index], at):
            return
        at += len(parts[index])
        self.furthest = max(self.furthest, at)
        if index + 1 == len(parts):
            yield at, slots
            return
        slot = parts[index + 1]
        for value, bound in self.values(slot, slots):
            if self.text.startswith(value, at):
                yield from self.pieces(parts, index + 2, at + len(value), bound)

    def values(self, slot: str, slots: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
        """The one bound value of a slot, else all it may take (with what follows from taking it)."""
        if slot in slots:
            yield slots[slot], slots
            return
        grammar = self.grammar
        for value in grammar.words[ALIASES.get(slot, slot)]:
            bound = slots | {slot: value}
            if slot == "name":
                bound |= PRONOUNS[value in grammar.boys]
                if bound.get("friend") == value or not self.fits(value, bound.get("kind")):
                    continue
            if slot == "friend" and (bound.get("name") == value or not self.fits(value, bound.get("friend_kind"))):
                continue
            if slot == "friend_kind" and not self.fits(bound.get("friend"), value):
                continue
            yield value, bound

    def fits(self, name: str | None, kind: str | None) -> bool:
        return name is None or kind not in ("boy", "girl") or (kind == "boy") == (name in self.grammar.boys)

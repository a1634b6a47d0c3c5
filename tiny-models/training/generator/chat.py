"""Chat turns with one right answer each, and whole conversations in the model's chat format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import tasks
from .rng import SplitMix64, held_out
from .stories import Stories, with_articles

END, USER, ASSISTANT, SYSTEM = "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"
PLAIN_SYSTEM = "You are a helpful assistant."
BRIEF_SYSTEM = "Answer as briefly as you can."
MONTHS = "January February March April May June July August September October November December".split()
OPPOSITES = {
    "hot": "cold", "big": "small", "up": "down", "day": "night", "fast": "slow", "wet": "dry", "old": "new",
    "happy": "sad", "light": "dark", "open": "closed", "early": "late", "hard": "soft", "full": "empty",
    "left": "right", "high": "low", "rich": "poor", "near": "far", "strong": "weak", "thick": "thin",
    "loud": "quiet", "clean": "dirty", "long": "short", "first": "last", "yes": "no",
}  # fmt: skip
SOUNDS = {
    "cat": "meow", "dog": "woof", "cow": "moo", "sheep": "baa", "duck": "quack", "pig": "oink", "owl": "hoot",
    "bee": "buzz", "lion": "roar", "snake": "hiss",
}  # fmt: skip
LEGS = {"cat": 4, "dog": 4, "bird": 2, "duck": 2, "spider": 8, "ant": 6, "bee": 6, "fish": 0, "snake": 0, "cow": 4}
COLORS_OF = {
    "grass": "green", "snow": "white", "coal": "black", "the sky": "blue", "the sun": "yellow", "blood": "red",
    "milk": "white", "a carrot": "orange", "a lemon": "yellow", "chocolate": "brown",
}  # fmt: skip
CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Norway": "Oslo", "Japan": "Tokyo", "Egypt": "Cairo",
    "Peru": "Lima", "Austria": "Vienna", "Greece": "Athens", "Ireland": "Dublin", "Cuba": "Havana", "Kenya": "Nairobi",
}  # fmt: skip
BABIES = {"cat": "kitten", "dog": "puppy", "cow": "calf", "sheep": "lamb", "duck": "duckling", "horse": "foal"}
SMALL_TALK = {
    "Hello!": "Hello! How can I help you?",
    "Hi!": "Hello! How can I help you?",
    "Who are you?": "I am a very small language model. I tell stories and solve little tasks.",
    "What can you do?": "I can tell a story, sort numbers, add small numbers and answer simple questions.",
    "How are you?": "I am fine, thank you. How are you?",
    "Thank you!": "You are welcome.",
    "Good morning!": "Good morning! How can I help you?",
    "Goodbye!": "Goodbye! Have a nice day.",
    "Are you a person?": "No, I am a small language model.",
}


@dataclass(frozen=True)
class Turn:
    """A question with its full answer, and the shortest answer that is still right."""

    kind: str
    question: str
    answer: str
    brief: str


def fact(kind: str, table: dict[str, str], question: str, answer: str) -> Callable[[SplitMix64], Turn]:
    def turn(rng: SplitMix64) -> Turn:
        key = rng.pick(sorted(table))
        full = with_articles(answer.format(key=key, value=table[key]))
        return Turn(kind, with_articles(question.format(key=key)), full[0].upper() + full[1:], f"{table[key]}.".capitalize())

    return turn


def arithmetic(rng: SplitMix64) -> Turn:
    word, sign = rng.pick((("plus", "+"), ("plus", "+"), ("minus", "-"), ("times", "*")))
    bound = 13 if word == "times" else 10 if rng.chance(1, 4) else 100
    a, b = rng.below(bound), rng.below(bound)
    if word == "minus":
        a, b = max(a, b), min(a, b)
    value = tasks.calculated(f"{a} {sign} {b}")
    return Turn(f"chat:{word}", f"What is {a} {word} {b}?", f"{a} {word} {b} is {value}.", f"{value}.")


def sequence_step(rng: SplitMix64) -> Turn:
    thing, values = rng.pick((("day", tasks.DAYS), ("month", MONTHS)))
    word, step = rng.pick((("after", 1), ("before", -1)))
    at = rng.below(len(values))
    found = values[(at + step) % len(values)]
    return Turn("chat:calendar", f"Which {thing} comes {word} {values[at]}?", f"The {thing} {word} {values[at]} is {found}.", f"{found}.")


def sort_numbers(rng: SplitMix64) -> Turn:
    numbers = [rng.below(100) for _ in range(3 + rng.below(3))]
    answer = ", ".join(map(str, sorted(numbers))) + "."
    return Turn("chat:sort", f"Sort these numbers: {', '.join(map(str, numbers))}.", answer, answer)


def extreme(rng: SplitMix64) -> Turn:
    word, choose = rng.pick((("largest", max), ("smallest", min)))
    numbers = [rng.below(100) for _ in range(3)]
    value = choose(numbers)
    question = f"Which number is the {word}: {numbers[0]}, {numbers[1]} or {numbers[2]}?"
    return Turn("chat:compare", question, f"The {word} number is {value}.", f"{value}.")


def number_words(rng: SplitMix64) -> Turn:
    number = rng.below(100)
    answer = tasks.in_words(number).capitalize() + "."
    return Turn("chat:words", f"Write {number} in words.", answer, answer)


def spell(rng: SplitMix64) -> Turn:
    word = rng.pick(tasks.WORDS)
    answer = "-".join(word) + "."
    return Turn("chat:spell", f"Spell the word {word}.", answer, answer)


def legs(rng: SplitMix64) -> Turn:
    animal = rng.pick(sorted(LEGS))
    count = tasks.in_words(LEGS[animal]) if LEGS[animal] else "no"
    return Turn("chat:fact", with_articles(f"How many legs does a {animal} have?"), with_articles(f"A {animal} has {count} legs.").replace("a an", "an"), count.capitalize() + ".")


def has_color(rng: SplitMix64) -> Turn:
    name, color = rng.pick(tasks.NAMES), rng.pick(tasks.COLORS)
    thing = rng.pick("ball kite hat scarf book drum bell boat lamp basket cup key ring spoon box".split())
    other_name, other_color = rng.pick(tasks.NAMES), rng.pick(tasks.COLORS)
    other = rng.pick("coat car flag chair door".split())
    said = [f"{name} has a {color} {thing}.", f"{other_name} has a {other_color} {other}."]
    if rng.chance(1, 2):
        said.reverse()
    text = " ".join(said[: 1 + rng.below(2)]) if said[0].startswith(f"{name} has a {color} {thing}") else " ".join(said)
    return Turn("chat:context", with_articles(f"{text} What color is the {thing}?"), f"The {thing} is {color}.", f"{color.capitalize()}.")


def json_field(rng: SplitMix64) -> Turn:
    entry = tasks.record(rng)
    field = rng.pick(tasks.FIELDS)
    return Turn("chat:json", f"What is the {field} in {tasks.compact(entry)}?", f"The {field} is {entry[field]}.", f"{entry[field]}.")


def small_talk(rng: SplitMix64) -> Turn:
    question = rng.pick(sorted(SMALL_TALK))
    return Turn("chat:talk", question, SMALL_TALK[question], SMALL_TALK[question])


SIMPLE: list[Callable[[SplitMix64], Turn]] = [
    fact("chat:fact", OPPOSITES, "What is the opposite of {key}?", "The opposite of {key} is {value}."),
    fact("chat:fact", SOUNDS, "What does a {key} say?", "A {key} says {value}."),
    fact("chat:fact", CAPITALS, "What is the capital of {key}?", "The capital of {key} is {value}."),
    fact("chat:fact", COLORS_OF, "What color is {key}?", "{key} is {value}."),
    fact("chat:fact", BABIES, "What do you call a young {key}?", "A young {key} is called a {value}."),
    legs,
    sequence_step,
    small_talk,
    arithmetic,
    arithmetic,
    sort_numbers,
    sort_numbers,
    extreme,
    number_words,
    spell,
    has_color,
    json_field,
]  # fmt: skip
FREE = ("chat:plus", "chat:minus", "chat:sort", "chat:compare", "chat:context", "chat:json")  # enough prompts to hold some out


class Chat:
    def __init__(self, stories: Stories) -> None:
        self.stories = stories

    def simple_turn(self, rng: SplitMix64, held: bool = False) -> Turn:
        """A turn of the wanted split; kinds with few prompts (fact tables) are never held out."""
        while True:
            turn = rng.pick(SIMPLE)(rng)
            free = turn.kind in FREE
            if (free and held_out(turn.question)) == held:
                return turn

    def story_turn(self, rng: SplitMix64, held: bool = False) -> Turn:
        """Asks for a story about somebody; the answer is a story about just that hero."""
        story = self.stories.of_split(rng, held, chapters=1)
        hero = f"{story.kind} named {story.name}"
        question = rng.favour((f"Tell me a story about a {hero}.", f"Write a short story about a {story.trait} {hero}.", f"Please tell me about {story.name} the {story.kind}."))
        return Turn("chat:story", with_articles(question), story.text, story.text)

    def reading_turn(self, rng: SplitMix64, held: bool = False) -> Turn:
        """A story to read and a question about it."""
        while True:
            story = self.stories.of_split(rng, held, chapters=1)
            if story.questions:
                question, answer = rng.pick(story.questions)
                return Turn("chat:reading", f"{story.text}\n{question}", answer, answer)

    def conversation(self, rng: SplitMix64) -> str:
        """One to eight turns; in some the user's name or a word has to be remembered to the end."""
        system = rng.pick(("", "", PLAIN_SYSTEM, BRIEF_SYSTEM))
        turns = []
        if rng.chance(1, 6):
            turns.append(self.story_turn(rng))
        elif rng.chance(1, 5):
            turns.append(self.reading_turn(rng))
        turns += [self.simple_turn(rng) for _ in range(rng.favour(range(1, 8)))]
        if rng.chance(1, 5):
            told, asked = remember(rng)
            turns.insert(0, told)
            turns.append(asked)
        return render(system, turns)


def remember(rng: SplitMix64) -> tuple[Turn, Turn]:
    if rng.chance(1, 2):
        name = rng.pick(tasks.NAMES)
        greeting = f"Hello {name}, nice to meet you."
        return Turn("chat:memory", f"My name is {name}.", greeting, greeting), Turn("chat:memory", "What is my name?", f"Your name is {name}.", f"{name}.")
    word = rng.pick(tasks.WORDS)
    promise = "I will remember it."
    return Turn("chat:memory", f"Remember the word {word}.", promise, promise), Turn("chat:memory", "Which word did I tell you?", f"The word is {word}.", f"{word.capitalize()}.")


def render(system: str, turns: list[Turn]) -> str:
    """The chat format; a document's last <|end|> is put there by the corpus writer."""
    text = f"{SYSTEM}{system}{END}" if system else ""
    for turn in turns:
        answer = turn.brief if system == BRIEF_SYSTEM else turn.answer
        text += f"{USER}{turn.question}{END}{ASSISTANT}{answer}{END}"
    return text.removesuffix(END)


def render_prompt(system: str, turns: list[Turn], question: str) -> str:
    """Everything up to the place where the assistant speaks."""
    before = render(system, turns) + END if turns else f"{SYSTEM}{system}{END}" if system else ""
    return f"{before}{USER}{question}{END}{ASSISTANT}"

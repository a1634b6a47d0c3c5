"""What OpenAI's official Python client does with a server: each check prints one line.

    pip install openai
    python src/test/clients/openai_client.py http://127.0.0.1:30000 [API_KEY]
"""

import asyncio
import json
import sys

import openai

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:30000"
KEY = sys.argv[2] if len(sys.argv) > 2 else "none"
client = openai.OpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0)
MODEL = client.models.list().data[0].id
STORY = "Once upon a time there was a"
CHAT = [{"role": "user", "content": "What is the opposite of hot?"}]


def check(what, fine, found=""):
    print(("ok   " if fine else "FAIL ") + what + ("" if fine else f": found {found!r}"))
    if not fine:
        sys.exit(1)


def refused(what, status, param, call):
    try:
        call()
    except openai.APIStatusError as e:
        body = e.body if isinstance(e.body, dict) else {}
        check(what, e.status_code == status and body.get("param") == param,
              (e.status_code, e.body))
        return
    check(what, False, "an answer")


def completions():
    plain = dict(model=MODEL, prompt=STORY, max_tokens=24, temperature=0.8, seed=7)
    whole = client.completions.create(**plain)
    again = client.completions.create(**plain)
    check("a seed gives the same completion twice", whole.choices[0].text == again.choices[0].text)
    check("usage adds up",
          whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens)
    check("max_tokens ends the answer", whole.choices[0].finish_reason == "length"
          and whole.usage.completion_tokens == 24, whole)
    text, usages = "", 0
    for chunk in client.completions.create(**plain, stream=True):
        text += chunk.choices[0].text
        usages += chunk.usage is not None
    check("a stream is the same text", text == whole.choices[0].text, text)
    check("a stream has no usage unless asked for", usages == 0, usages)
    *_, last = client.completions.create(
        **plain, stream=True, stream_options={"include_usage": True})
    check("the last chunk of a stream has the usage",
          last.choices == [] and last.usage == whole.usage
          or last.usage.total_tokens == whole.usage.total_tokens, last)
    many = client.completions.create(model=MODEL, prompt=[STORY, "sort: 9 4 7 =>"], n=2,
                                     max_tokens=8, seed=1)
    check("two prompts with n=2 give four choices in order",
          [c.index for c in many.choices] == [0, 1, 2, 3], many.choices)
    stop = client.completions.create(model=MODEL, prompt="sort: 9 4 7 =>", temperature=0,
                                     max_tokens=20, stop=["7"])
    check("a stop string is cut off", stop.choices[0].finish_reason == "stop"
          and "7" not in stop.choices[0].text, stop)
    scored = client.completions.create(model=MODEL, prompt=STORY, max_tokens=1, logprobs=2,
                                       echo=True, temperature=0)
    lp = scored.choices[0].logprobs
    check("echo scores the prompt", lp.token_logprobs[0] is None
          and all(isinstance(x, float) for x in lp.token_logprobs[1:])
          and len(lp.tokens) == scored.usage.prompt_tokens + 1
          and "".join(lp.tokens).startswith(STORY), lp)


def chats():
    plain = dict(model=MODEL, messages=CHAT, temperature=0)
    whole = client.chat.completions.create(**plain)
    message = whole.choices[0].message
    check("a chat is answered", message.role == "assistant" and "cold" in message.content, message)
    text, roles = "", []
    for chunk in client.chat.completions.create(**plain, stream=True):
        delta = chunk.choices[0].delta
        text += delta.content or ""
        roles += [delta.role] if delta.role else []
    check("a streamed chat is the same text", text == message.content, text)
    check("its first chunk has the role", roles == ["assistant"], roles)
    parts = [{"role": "user", "content": [{"type": "text", "text": CHAT[0]["content"]}]}]
    check("content may be a list of texts", client.chat.completions.create(
        model=MODEL, messages=parts, temperature=0).choices[0].message.content == message.content)
    lp = client.chat.completions.create(**plain, logprobs=True, top_logprobs=3).choices[0].logprobs
    check("a chat has log-probabilities", len(lp.content[0].top_logprobs) >= 3
          and bytes(b for t in lp.content for b in t.bytes).decode().startswith(message.content),
          lp)
    client.chat.completions.create(
        **plain, tools=[], response_format={"type": "text"}, user="me", parallel_tool_calls=True,
        extra_body={"top_k": 5, "min_p": 0.1, "ignore_eos": False, "chat_template_kwargs": None,
                    "unheard_of": {"a": [1]}})
    check("fields without effect, and unknown ones, are accepted", True)


def formats():
    schema = {"type": "object", "additionalProperties": False, "required": ["animal", "age"],
              "properties": {"animal": {"enum": ["dog", "cat", "owl"]},
                             "age": {"type": "integer", "minimum": 0, "maximum": 99}}}
    answer = client.chat.completions.create(
        model=MODEL, messages=CHAT, seed=3, max_completion_tokens=60,
        response_format={"type": "json_schema", "json_schema": {"name": "pet", "schema": schema}})
    pet = json.loads(answer.choices[0].message.content)
    check("an answer follows a JSON schema",
          pet["animal"] in ("dog", "cat", "owl") and 0 <= pet["age"] <= 99, pet)
    answer = client.completions.create(model=MODEL, prompt="The year was ", max_tokens=20, seed=1,
                                       extra_body={"regex": "(19|20)[0-9]{2}"})
    year = answer.choices[0].text
    check("an answer follows a regular expression",
          len(year) == 4 and year[:2] in ("19", "20") and answer.choices[0].finish_reason == "stop",
          answer)


def errors():
    refused("an unknown model is a 404", 404, "model",
            lambda: client.completions.create(model="gpt-9", prompt="a"))
    refused("a bad temperature is a 400 that names it", 400, "temperature",
            lambda: client.completions.create(model=MODEL, prompt="a", temperature=-1))
    refused("tools are refused by name", 400, "tools",
            lambda: client.chat.completions.create(
                model=MODEL, messages=CHAT,
                tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]))
    refused("half a surrogate pair is a 400", 400, "prompt",
            lambda: openai.OpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0)
            .post("/completions", cast_to=object,
                  content=b'{"model": "%s", "prompt": "\\ud83d"}' % MODEL.encode(),
                  options={"headers": {"Content-Type": "application/json"}}))


async def crowd():
    many = openai.AsyncOpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0)

    async def one(i):
        stream = await many.completions.create(model=MODEL, prompt=STORY, max_tokens=40, seed=i,
                                               stream=True)
        tokens = 0
        async for _ in stream:
            tokens += 1
            if i % 2 and tokens == 5:
                await stream.close()
                return 0
        return tokens

    counts = await asyncio.gather(*(one(i) for i in range(24)))
    check("of 24 streams 12 are left midway and 12 end", sum(c > 5 for c in counts) == 12, counts)


completions()
chats()
formats()
errors()
asyncio.run(crowd())
print("all checks passed")

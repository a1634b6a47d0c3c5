"""The official OpenAI client, unmodified, against a running server.

    pip install openai
    orrery serve --port 30000 &
    python src/test/clients/openai_client.py http://127.0.0.1:30000/v1
"""

import asyncio
import sys

from openai import AsyncOpenAI, BadRequestError, NotFoundError, OpenAI

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:30000/v1"
HOT = [{"role": "user", "content": "What is the opposite of hot?"}]
USAGE = {"include_usage": True}
OWL = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 10}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}

client = OpenAI(base_url=BASE, api_key="x", max_retries=0)
model = client.models.list().data[0].id
assert client.models.retrieve(model).id == model

prompts = ["Once upon a time", "add: 27 + 45 =>"]
whole = client.completions.create(
    model=model, prompt=prompts, max_tokens=12, seed=3, n=2, logprobs=2
)
assert [c.index for c in whole.choices] == [0, 1, 2, 3]
assert all(len(c.logprobs.tokens) == 12 for c in whole.choices)
assert whole.usage.completion_tokens == 48

chat = client.chat.completions.create(
    model=model, messages=HOT, temperature=0, logprobs=True, top_logprobs=2
)
print(chat.choices[0].message.content, chat.usage)
text = ""
chunks = client.chat.completions.create(
    model=model, messages=HOT, temperature=0, stream=True, stream_options=USAGE
)
for chunk in chunks:
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
    else:
        assert chunk.usage == chat.usage
assert text == chat.choices[0].message.content

tool = {"type": "function", "function": {"name": "f"}}
for bad, error, param in (
    ({"tools": [tool]}, BadRequestError, "tools"),
    ({"model": "another"}, NotFoundError, "model"),
):
    try:
        client.chat.completions.create(**({"model": model, "messages": HOT} | bad))
        raise AssertionError(bad)
    except error as refused:
        assert refused.param == param, refused
        print(refused)

owl = client.chat.completions.create(
    model=model,
    messages=[{"role": "user", "content": "Tell me about an owl."}],
    seed=1,
    max_tokens=60,
    response_format={"type": "json_schema", "json_schema": {"name": "owl", "schema": OWL}},
)
print(owl.choices[0].message.content)


async def leave_and_come_back():
    other = AsyncOpenAI(base_url=BASE, api_key="x", max_retries=0)
    stream = await other.completions.create(
        model=model, prompt="Once", max_tokens=300, stream=True, extra_body={"ignore_eos": True}
    )
    seen = 0
    async for _ in stream:
        seen += 1
        if seen == 5:
            await stream.close()
            break
    async with other.chat.completions.stream(
        model=model, messages=HOT, temperature=0
    ) as helper:
        async for _ in helper:
            pass
        final = await helper.get_final_completion()
        assert final.choices[0].message.content == text


asyncio.run(leave_and_come_back())
print("all as expected")

// What OpenAI's official Node client does with a server: each check prints one line.
//
//   npm i --prefix /tmp/node-openai openai
//   NODE_PATH=... node src/test/clients/openai_client.mjs http://127.0.0.1:30000 /tmp/node-openai
import { createRequire } from "node:module";

const base = process.argv[2] ?? "http://127.0.0.1:30000";
const OpenAI = createRequire(process.argv[3] + "/")("openai").default;
const client = new OpenAI({ baseURL: base + "/v1", apiKey: "none", maxRetries: 0 });

function check(what, fine, found = "") {
  console.log((fine ? "ok   " : "FAIL ") + what + (fine ? "" : ": found " + JSON.stringify(found)));
  if (!fine) process.exit(1);
}

const model = (await client.models.list()).data[0].id;
const messages = [{ role: "user", content: "What is the opposite of hot?" }];
const whole = await client.chat.completions.create({ model, messages, temperature: 0 });
const text = whole.choices[0].message.content;
check("a chat is answered", text.includes("cold"), whole);

let streamed = "";
for await (const chunk of await client.chat.completions.create(
    { model, messages, temperature: 0, stream: true })) {
  streamed += chunk.choices[0].delta.content ?? "";
}
check("a streamed chat is the same text, and its body ends", streamed === text, streamed);

const helper = client.chat.completions.stream({ model, messages, temperature: 0 });
const final = await helper.finalChatCompletion();
check("the stream helper agrees", final.choices[0].message.content === text
    && final.choices[0].finish_reason === "stop", final);

const long = await client.completions.create(
    { model, prompt: "Once upon a time", max_tokens: 400, stream: true });
let chunks = 0;
for await (const _ of long) if (++chunks === 5) break;
check("a stream can be left", chunks === 5);

const abort = new AbortController();
const gone = client.completions.create(
    { model, prompt: "Once upon a time", max_tokens: 400 }, { signal: abort.signal })
    .catch((e) => e.constructor.name);
setTimeout(() => abort.abort(), 30);
check("a whole answer can be aborted", (await gone) === "APIUserAbortError", await gone);

try {
  await client.completions.create({ model, prompt: "a", top_p: 7 });
  check("a bad value is refused", false);
} catch (e) {
  check("a bad value is a 400 that names it", e.status === 400 && e.param === "top_p", e);
}
console.log("all checks passed");

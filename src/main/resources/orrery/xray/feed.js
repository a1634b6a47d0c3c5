/**
 * The server's events. An EventSource could not send a key, so the stream is read by fetch. When
 * the stream ends, the feed connects again, later and later up to five seconds. If the page cannot
 * follow what came, the feed ends: the same events would come again.
 */
export class Feed {
  /**
   * @param url of the stream
   * @param key an object that is a Key of server.js
   * @param take is called with each message
   * @param say is called with "connecting", "open", or sentences that say what is wrong
   */
  constructor({ url, key, take, say }) {
    Object.assign(this, { url, key, take, say });
    this.wait = 250; // milliseconds before the next try
    this.turn = 0; // of run(); another turn ends the one before
    this.abort = null; // ends the stream
  }

  /** Reads until close(), or until it has said why it cannot go on. */
  async run() {
    const turn = ++this.turn;
    this.say("connecting");
    while (turn === this.turn) {
      let trouble = "The server has ended the stream of events.";
      try {
        await this.connect(turn);
      } catch (error) {
        trouble = error.message;
        if (turn === this.turn && (error.name === "NoKey" || error.name === "NotFollowed")) {
          this.say(trouble);
          return;
        }
      }
      if (turn === this.turn) {
        this.say(`${trouble} The page tries again.`);
        await new Promise((done) => setTimeout(done, this.wait));
        this.wait = Math.min(2 * this.wait, 5000);
      }
    }
  }

  async connect(turn) {
    const tried = this.key.value;
    this.abort = new AbortController();
    const response = await this.fetch();
    if (response.status === 401) {
      await this.key.ask(tried);
      return;
    }
    if (!response.ok) {
      throw new Error(response.status === 503 ? "The server is not ready."
        : `The server answers ${response.status} instead of events.`);
    }
    this.say("open");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const lines = new Lines((message) => this.take(message));
    while (turn === this.turn) {
      const { done, value } = await read(reader);
      if (done) {
        return;
      }
      this.wait = 250;
      try {
        lines.push(value);
      } catch (error) {
        this.abort.abort();
        throw new NotFollowed(error);
      }
    }
  }

  async fetch() {
    try {
      return await fetch(this.url, {
        headers: { ...this.key.header(), Accept: "text/event-stream" }, cache: "no-store",
        signal: this.abort.signal,
      });
    } catch {
      throw new Error("The server does not answer.");
    }
  }

  /** Ends the stream, so that the server knows that no page looks. run() begins again. */
  close() {
    this.turn++;
    this.abort?.abort();
  }
}

async function read(reader) {
  try {
    return await reader.read();
  } catch {
    throw new Error("The connection to the server has broken.");
  }
}

/** The page cannot make anything of what came. */
class NotFollowed extends Error {
  name = "NotFollowed";

  constructor(cause) {
    super(`This page cannot follow the server's events: ${cause.message}. It shows no further ones.`, {
      cause,
    });
  }
}

/** Finds the messages in a stream of server-sent events, whose pieces may end anywhere. */
export class Lines {
  constructor(take) {
    this.take = take;
    this.rest = "";
    this.data = [];
  }

  push(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    for (const line of lines) {
      this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
    }
  }

  line(line) {
    if (line === "" && this.data.length > 0) {
      const message = this.data.join("\n");
      this.data = [];
      if (message !== "[DONE]") { // the server ends the stream
        this.take(JSON.parse(message));
      }
    } else if (line.startsWith("data:")) {
      this.data.push(line.slice(line[5] === " " ? 6 : 5));
    } // else a comment that keeps the connection open
  }
}

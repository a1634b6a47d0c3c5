/**
 * The server's events. An EventSource could not send a key, so the stream is read by fetch. When
 * the stream ends, the feed connects again, later and later up to five seconds.
 */
export class Feed {
  /**
   * @param url of the stream
   * @param key an object that is a Key of server.js
   * @param take is called with each message
   * @param say is called with "connecting", "open", or a sentence that says what is wrong
   */
  constructor({ url, key, take, say }) {
    Object.assign(this, { url, key, take, say });
    this.wait = 250; // milliseconds before the next try
    this.closed = false;
  }

  /** Reads until close(). */
  async run() {
    this.say("connecting");
    while (!this.closed) {
      try {
        await this.connect();
        this.say("The server has ended the stream of events. Trying again.");
      } catch (error) {
        if (error.name === "NoKey") {
          this.say(error.message);
          return;
        }
        this.say(`No events: ${error.message}. Trying again.`);
      }
      await new Promise((done) => setTimeout(done, this.wait));
      this.wait = Math.min(2 * this.wait, 5000);
    }
  }

  async connect() {
    const tried = this.key.value;
    const response = await fetch(this.url, {
      headers: { ...this.key.header(), Accept: "text/event-stream" }, cache: "no-store",
    });
    if (response.status === 401) {
      this.key.ask(tried);
      return;
    }
    if (!response.ok) {
      throw new Error(`the server answers ${response.status}`);
    }
    this.say("open");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const lines = new Lines((message) => this.take(message));
    while (!this.closed) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      this.wait = 250;
      lines.push(value);
    }
    await reader.cancel();
  }

  close() {
    this.closed = true;
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
      this.take(JSON.parse(message));
    } else if (line.startsWith("data:")) {
      this.data.push(line.slice(line[5] === " " ? 6 : 5));
    } // else a comment that keeps the connection open
  }
}

/** Calls to the server: a few routes that take and give JSON. */

/** The key that a server may ask for; kept as long as the browser's tab. */
export class Key {
  /** @param form asks the user, and is told whether another key was refused; null if there is none */
  constructor(form) {
    this.form = form;
    this.asking = null; // while the user is asked
    this.value = sessionStorage.getItem("orrery.key") ?? "";
    this.declined = false; // the user has given none
  }

  header() {
    return this.value ? { Authorization: `Bearer ${this.value}` } : {};
  }

  /**
   * Asks the user for a key, since the server does not take `tried`. Calls that are refused at the
   * same time wait for one answer.
   */
  async ask(tried) {
    if (this.value !== tried) {
      return;
    }
    this.asking ??= this.enter(tried !== "").finally(() => {
      this.asking = null;
    });
    await this.asking;
  }

  async enter(refused) {
    const value = this.declined ? null : await this.form(refused);
    this.declined = value === null;
    if (this.declined) {
      throw new NoKey("The server asks for an API key. Load the page again to enter it.");
    }
    this.value = value.trim();
    sessionStorage.setItem("orrery.key", this.value);
  }
}

/** The user has given no key. */
export class NoKey extends Error {
  name = "NoKey";
}

export class Server {
  constructor(key) {
    this.key = key;
  }

  get(path) {
    return this.call(path, { method: "GET" });
  }

  post(path, body = {}) {
    return this.call(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
  }

  /** Answers with the JSON; fails with the server's own words. */
  async call(path, options) {
    const tried = this.key.value;
    let response;
    try {
      response = await fetch(path, {
        ...options, headers: { ...options.headers, ...this.key.header() }, cache: "no-store",
      });
    } catch {
      throw new Error("The server does not answer.");
    }
    if (response.status === 401) {
      await this.key.ask(tried);
      return this.call(path, options);
    }
    const text = await response.text();
    if (!response.ok) {
      throw new Error(words(text) ?? `the server answers ${response.status}`);
    }
    return text === "" ? {} : JSON.parse(text);
  }
}

/** The message of an error as OpenAI's API has it; null if it is none. */
function words(text) {
  try {
    return JSON.parse(text).error?.message ?? null;
  } catch {
    return null;
  }
}

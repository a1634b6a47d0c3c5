package orrery.server;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

/**
 * Requests that no client should send, drawn at random: each is bytes for a socket. None of them
 * may be answered with anything but an error of the client's.
 */
final class HostileRequests {
  /** A request. {@code half}: it is never complete, so that there may be no answer. */
  record Hostile(String kind, byte[] bytes, boolean half) {}

  private static final List<String> PATHS =
      List.of(
          "/v1/completions", "/v1/chat/completions", "/generate", "/detokenize", "/abort_request");
  private static final List<String> NUMBERS =
      List.of(
          "temperature",
          "top_p",
          "top_k",
          "min_p",
          "max_tokens",
          "n",
          "seed",
          "frequency_penalty",
          "presence_penalty",
          "repetition_penalty",
          "min_tokens",
          "priority",
          "best_of");
  private static final List<String> OTHERS =
      List.of(
          "stream",
          "stop",
          "stop_token_ids",
          "logit_bias",
          "echo",
          "ignore_eos",
          "cache_salt",
          "return_token_ids");
  private static final String[] HUGE = {
    "1e400",
    "-1e400",
    "123456789012345678901234567890",
    "-99999999999999999999",
    "NaN",
    "Infinity",
    "9".repeat(2000),
    "0x10",
    "1.5.5",
    "--1",
    "01"
  };

  private final Random random;
  private final int maxBody;

  /**
   * @param maxBody the longest body that the server takes
   */
  HostileRequests(long seed, int maxBody) {
    this.random = new Random(seed);
    this.maxBody = maxBody;
  }

  Hostile next() {
    return switch (random.nextInt(16)) {
      case 0 -> json("cut JSON", cut(body("\"max_tokens\": 2")));
      case 1 -> json("bad JSON", spoilt(body("\"max_tokens\": 2")));
      case 2 -> json("a wrong type", body(of(OTHERS) + of("7.5", "{\"a\": []}", "[{}]", "[[1]]")));
      case 3 -> json("a text for a number", body(of(NUMBERS) + of("\"1\"", "[]", "{}", "true")));
      case 4 ->
          json(
              "a huge number",
              body(of(NUMBERS.subList(1, NUMBERS.size())) + HUGE[random.nextInt(HUGE.length)]));
      case 5 -> json("deep nesting", deep(100 + random.nextInt(maxBody / 4)));
      case 6 -> giant();
      case 7 -> half();
      case 8 -> plain("a wrong method", pick("PUT", "DELETE", "PATCH", "BREW", "get") + " ", "");
      case 9 -> plain("a wrong path", "POST /" + junk(1 + random.nextInt(40)), "{}");
      case 10 -> utf8();
      case 11 -> surrogates();
      case 12 -> garbage();
      case 13 -> headers();
      case 14 ->
          json("no object", pick("", "[]", "null", "7", "\"text\"", "{}", "{\"prompt\": 7}"));
      default -> prompt();
    };
  }

  private String pick(String... all) {
    return all[random.nextInt(all.length)];
  }

  /** A name of the list with one of the values. */
  private String of(List<String> names) {
    return "\"" + names.get(random.nextInt(names.size())) + "\": ";
  }

  private String of(String... values) {
    return values[random.nextInt(values.length)];
  }

  private String body(String field) {
    return "{\"prompt\": \"Once\", \"messages\": [{\"role\": \"user\", \"content\": \"a\"}], "
        + field
        + "}";
  }

  private String cut(String json) {
    return json.substring(0, 1 + random.nextInt(json.length() - 1));
  }

  /** A body with a character that JSON does not allow where it stands. */
  private String spoilt(String json) {
    int at = json.indexOf("\"messages\"");
    return json.substring(0, at)
        + pick("}", "]", ":", "'", "\\", "\u0001", ",,", "#")
        + json.substring(at);
  }

  private String deep(int levels) {
    String open = random.nextBoolean() ? "[" : "{\"a\":";
    return "{\"prompt\": " + open.repeat(Math.min(levels, maxBody / open.length() - 20));
  }

  private String path() {
    return PATHS.get(random.nextInt(PATHS.size()));
  }

  private Hostile json(String kind, String body) {
    return post(kind, body.getBytes(StandardCharsets.UTF_8));
  }

  private Hostile post(String kind, byte[] body) {
    return plain(kind, "POST " + path(), body);
  }

  private Hostile plain(String kind, String start, String body) {
    String line = start.endsWith(" ") ? start + path() : start;
    return plain(kind, line, body.getBytes(StandardCharsets.UTF_8));
  }

  private static Hostile plain(String kind, String line, byte[] body) {
    String head =
        line + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length + "\r\n\r\n";
    return new Hostile(kind, join(head, body), false);
  }

  private static byte[] join(String head, byte[] body) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(head.getBytes(StandardCharsets.ISO_8859_1));
    all.writeBytes(body);
    return all.toByteArray();
  }

  private Hostile giant() {
    int length = maxBody + 1 + random.nextInt(maxBody);
    if (random.nextBoolean()) {
      return post("a giant body", new byte[length]);
    }
    String head =
        "POST " + path() + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    byte[] chunk = join(Integer.toHexString(length) + "\r\n", new byte[length]);
    return new Hostile(
        "a giant chunked body",
        join(
            head,
            join(new String(chunk, StandardCharsets.ISO_8859_1) + "\r\n0\r\n\r\n", new byte[0])),
        false);
  }

  private Hostile half() {
    String whole =
        "POST "
            + path()
            + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\n\r\n{\"prompt\": \"a";
    String part = whole.substring(0, 1 + random.nextInt(whole.length() - 1));
    return new Hostile("half a request", part.getBytes(StandardCharsets.UTF_8), true);
  }

  private String junk(int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('!' + random.nextInt(94)));
    }
    return text.toString().replace("#", "").replace("?", "") + "x";
  }

  private Hostile utf8() {
    byte[] text = body("\"user\": \"@@@@\"").getBytes(StandardCharsets.UTF_8);
    byte[][] wrong = {{(byte) 0xff}, {(byte) 0xc0, (byte) 0xaf}, {(byte) 0xe2, (byte) 0x82}, {0}};
    byte[] bad = wrong[random.nextInt(wrong.length)];
    int at = new String(text, StandardCharsets.ISO_8859_1).indexOf("@@@@");
    if (random.nextBoolean()) { // in the text of the prompt
      at = new String(text, StandardCharsets.ISO_8859_1).indexOf("Once");
    }
    System.arraycopy(bad, 0, text, at, bad.length);
    return post("invalid UTF-8 or NUL", text);
  }

  private Hostile surrogates() {
    String half = pick("\\ud83d", "\\ude00", "a\\ud83d\\ud83d", "\\udc00\\ud800");
    String body =
        pick(
            "{\"prompt\": \"HALF\", \"messages\": [{\"role\": \"user\", \"content\": \"HALF\"}]}",
            "{\"prompt\": [\"HALF\", \"b\"], \"messages\": [{\"role\": \"HALF\"}]}");
    return json("half a surrogate pair", body.replace("HALF", half));
  }

  private Hostile garbage() {
    byte[] bytes = new byte[1 + random.nextInt(300)];
    random.nextBytes(bytes);
    return new Hostile("random bytes", join("", bytes), true);
  }

  private Hostile headers() {
    String line = "POST " + path() + " HTTP/1.1\r\n";
    String head =
        pick(
            "Host: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
            "Host: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            "Host: localhost\r\nContent-Length: -2\r\n",
            "Host: localhost\r\nX-A: " + "a".repeat(20_000) + "\r\n",
            "Host: localhost\r\n" + "A: b\r\n".repeat(5_000),
            "Host: localhost\r\nA\u0000: b\r\n",
            "Content-Length: 2\r\n");
    return new Hostile("bad headers", join(line + head + "\r\n{}", new byte[0]), false);
  }

  private Hostile prompt() {
    String ids =
        pick("[-1]", "[99999999]", "[1.5]", "[[]]", "[null]", "[[1], \"a\"]", "[]", "\"\"");
    String more = pick("\"max_tokens\": 0", "\"n\": 100000", "\"max_tokens\": -5", "\"top_p\": 7");
    return json(
        "a bad prompt", "{\"messages\": " + ids + ", \"prompt\": " + ids + ", " + more + "}");
  }
}

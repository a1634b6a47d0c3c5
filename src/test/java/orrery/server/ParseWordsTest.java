package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.server.RawClient.Reply;

/** What a client is told of bytes that are no request: our words, which name the thing. */
class ParseWordsTest {
  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private HttpServer server;

  @BeforeEach
  void serve() throws IOException {
    server = HttpServer.listen(ServerOptions.defaults().withPort(0), (call, t) -> bugs.add(t));
    server.open(
        new Routes()
            .get("/health", c -> c.answer(200, "text/plain", new byte[0]))
            .post("/length", c -> c.answer(200, "text/plain", c.body())));
  }

  @AfterEach
  void close() {
    server.close();
    assertThat(bugs).isEmpty();
  }

  private String message(String bytes) throws IOException {
    try (RawClient client = new RawClient(server.port())) {
      client.send(bytes.getBytes(StandardCharsets.ISO_8859_1));
      client.socket.shutdownOutput();
      Reply reply = client.reply();
      assertThat(reply.status()).as(reply.body()).isBetween(400, 499);
      return new JsonMapper().readTree(reply.body()).at("/error/message").asText();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "GET; request line: expected METHOD /PATH HTTP/1.1, found no path",
        "GET /health; request line: expected METHOD /PATH HTTP/1.1, found no version",
        "GET /health HTTP/9.9; request line: expected METHOD /PATH HTTP/1.1, found another version",
        "GET /health FTP/1.1; request line: expected METHOD /PATH HTTP/1.1, found another version",
        "GET /health\u0001 HTTP/1.1; found the byte 0x1",
        "GET health HTTP/1.1; request: expected one of HTTP/1.1, found other bytes",
      })
  void aRequestLine(String line, String words) throws Exception {
    assertThat(message(line + "\r\nHost: localhost\r\n\r\n")).endsWith(words);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "A: b; Host: expected a name or an address, found none",
        "Host:; Host: expected a name or an address, found none",
        "Host: a|Host: b; Host: expected one, found another one",
        "Host: a:b:c; Host: expected NAME or NAME:PORT, found neither",
        "Host: a|Content-Length: x; Content-Length: expected a number of bytes, found something"
            + " else",
        "Host: a|Content-Length: 1|Content-Length: 2; Content-Length: expected one, found another"
            + " one",
        "Host: a|Content-Length: 1|Transfer-Encoding: chunked; Content-Length: expected none beside"
            + " Transfer-Encoding, found one",
        "Host: a|Transfer-Encoding: gzip; Transfer-Encoding: expected chunked as the last one,"
            + " found another",
        "Host: a|A B: c; found a space",
        "Host: a|AB; found the end of a line",
        "Host: a|: c; found a line that does not begin with a name",
        "Host: a|Content-Length: 1|Expect: soon; Expect: expected 100-continue, found something"
            + " else",
      })
  void headers(String lines, String words) throws Exception {
    String head = "POST /length HTTP/1.1\r\n" + lines.replace("|", "\r\n") + "\r\n\r\n";
    assertThat(message(head + "a")).endsWith(words);
  }

  @Test
  void lengthsOfRequestLinesAndHeaders() throws Exception {
    String most = " expected at most " + ServerOptions.MAX_HEADER + " bytes, found more";
    String end = " HTTP/1.1\r\nHost: localhost\r\n";
    String much = "a".repeat(ServerOptions.MAX_HEADER);
    assertThat(message("GET /" + much + end + "\r\n")).isEqualTo("request line:" + most);
    assertThat(message("GET /health" + end + "A: " + much + "\r\n\r\n"))
        .isEqualTo("headers:" + most);
  }

  @Test
  void halfABodyAndABadChunk() throws Exception {
    String head = "POST /length HTTP/1.1\r\nHost: localhost\r\n";
    assertThat(message(head + "Content-Length: 10\r\n\r\nab"))
        .startsWith("body: expected all of its bytes");
    assertThat(message(head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n")).startsWith("body: ");
  }

  @Test
  void whatJettySaysInFutureIsNotRepeated() {
    assertThat(ParseWords.ofRequest("Frobnication Failed"))
        .isEqualTo("request: expected one of HTTP/1.1, found other bytes");
    assertThat(ParseWords.ofRequest("Illegal character X")).endsWith("found another one");
  }
}

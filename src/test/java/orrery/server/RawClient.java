package orrery.server;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A client that sends any bytes, and reads answers of HTTP/1.1 one after another. */
final class RawClient implements AutoCloseable {
  /** A whole answer. */
  record Reply(int status, List<String> headers, String body) {
    String header(String name) {
      String start = name.toLowerCase(Locale.ROOT) + ":";
      return headers.stream()
          .filter(h -> h.toLowerCase(Locale.ROOT).startsWith(start))
          .map(h -> h.substring(start.length()).strip())
          .findFirst()
          .orElse(null);
    }
  }

  final Socket socket;
  private final InputStream in;

  RawClient(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(180_000);
    socket.setTcpNoDelay(true);
    in = socket.getInputStream();
  }

  RawClient send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.UTF_8));
  }

  RawClient send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
    return this;
  }

  RawClient get(String path, String... headers) throws IOException {
    return send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + lines(headers) + "\r\n");
  }

  RawClient post(String path, String body, String... headers) throws IOException {
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    String head =
        "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + "\r\n";
    return send(head + lines(headers) + "\r\n" + body);
  }

  private static String lines(String... headers) {
    return headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
  }

  /** The next line, without its end; null at the end of the stream. */
  String line() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        return bytes.size() == 0 ? null : bytes.toString(StandardCharsets.UTF_8);
      }
      if (b != '\r') {
        bytes.write(b);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  /** The next answer; null if the server closes the connection without one. */
  Reply reply() throws IOException {
    return reply(true);
  }

  /** The next answer, which has no body though its headers may say so. */
  Reply replyToHead() throws IOException {
    return reply(false);
  }

  private Reply reply(boolean hasBody) throws IOException {
    Reply head = head();
    if (head == null || !hasBody) {
      return head;
    }
    String length = head.header("Content-Length");
    if (length != null) {
      byte[] body = in.readNBytes(Integer.parseInt(length));
      return new Reply(head.status(), head.headers(), new String(body, StandardCharsets.UTF_8));
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    if ("chunked".equals(head.header("Transfer-Encoding"))) {
      for (byte[] chunk = chunk(); chunk.length > 0; chunk = chunk()) {
        all.write(chunk);
      }
    } else {
      all.write(in.readAllBytes());
    }
    return new Reply(head.status(), head.headers(), all.toString(StandardCharsets.UTF_8));
  }

  /** The status and the headers of the next answer; null if there is none. */
  Reply head() throws IOException {
    String status = line();
    if (status == null) {
      return null;
    }
    List<String> headers = new ArrayList<>();
    for (String header = line(); header != null && !header.isEmpty(); header = line()) {
      headers.add(header);
    }
    return new Reply(Integer.parseInt(status.split(" ")[1]), headers, "");
  }

  /** The next chunk of a body; empty for the last one. */
  byte[] chunk() throws IOException {
    String size = line();
    if (size != null && size.isEmpty()) { // the end of the chunk before, which Jetty sends late
      size = line();
    }
    if (size == null) {
      throw new IOException("the body is broken off");
    }
    byte[] chunk = in.readNBytes(Integer.parseInt(size, 16));
    if (chunk.length == 0) {
      line();
    }
    return chunk;
  }

  /** Whether the server closes the connection before it sends anything but the end of a line. */
  boolean closed() throws IOException {
    try {
      String line = line();
      return line == null || line.isEmpty() && line() == null;
    } catch (SocketException reset) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

package orrery.disagg;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One message between the two sides; the package tells how it looks on the wire.
 *
 * @param room of the request
 * @param payload little-endian, from its position to its limit
 */
public record Frame(Type type, long room, ByteBuffer payload) {
  private static final int SHOWN = 1000; // characters of the other side's reason

  /** What a frame says; its number on the wire is its place here, from 1. */
  public enum Type {
    HELLO,
    WELCOME,
    RESERVED,
    PAGE,
    FIRST,
    DONE,
    ABORT;

    private static final int SHORT = 1 << 18; // a line for each stream of a cache is far less
    private static final int LONG = 1 << 28;

    /** The most bytes of a payload. */
    int most() {
      return this == PAGE || this == FIRST ? LONG : SHORT;
    }
  }

  public Frame {
    payload = payload.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A frame with text. */
  static Frame text(Type type, long room, String text) {
    return new Frame(type, room, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** A frame with numbers. */
  static Frame ints(Type type, long room, int... numbers) {
    ByteBuffer payload = ByteBuffer.allocate(numbers.length * Integer.BYTES);
    payload.order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().put(numbers);
    return new Frame(type, room, payload);
  }

  /** The payload as text. */
  String text() {
    return StandardCharsets.UTF_8.decode(payload.duplicate()).toString();
  }

  /**
   * The payload as numbers.
   *
   * @throws TransferException if there are others than {@code count}
   */
  int[] ints(int count) throws TransferException {
    if (payload.remaining() != count * Integer.BYTES) {
      throw new TransferException(
          "%s: expected %d numbers in %d bytes, found %d bytes"
              .formatted(type, count, count * Integer.BYTES, payload.remaining()));
    }
    int[] numbers = new int[count];
    payload.duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(numbers);
    return numbers;
  }

  /** Why the other side gave up; cut off, since it becomes part of an error message. */
  String reason() {
    String text = text();
    return "the other side gave up: "
        + (text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text);
  }

  /**
   * Requires a room.
   *
   * @throws TransferException if it has another one
   */
  Frame of(long expected) throws TransferException {
    if (room != expected) {
      throw new TransferException(type + ": expected room " + expected + ", found " + room);
    }
    return this;
  }
}

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
  /** What a frame says; its number on the wire is its place here, from 1. */
  public enum Type {
    HELLO,
    WELCOME,
    RESERVED,
    PAGE,
    FIRST,
    DONE,
    ABORT
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

  /**
   * Requires a type.
   *
   * @throws TransferException if it has another one; the reason if the other side gave up
   */
  Frame require(Type expected) throws TransferException {
    if (type == Type.ABORT) {
      throw new TransferException("the other side gave up: " + text());
    }
    if (type != expected) {
      throw new TransferException("expected " + expected + ", found " + type);
    }
    return this;
  }
}

package orrery.disagg;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import orrery.disagg.Frame.Type;

/** Frames over a channel of bytes, for example a socket. */
public final class ChannelTransfer implements Transfer {
  private static final int MAGIC = 'O' | 'R' << 8 | 'K' << 16 | 'V' << 24;
  private static final byte VERSION = 1;
  private static final int HEADER = 24; // bytes
  private static final int CHECKED = 20; // bytes of the header before its checksum
  private static final int AT_ONCE = 1 << 20; // bytes that a length alone takes

  private final ByteChannel channel;
  private final ByteBuffer out = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
  private final ByteBuffer in = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * @param channel blocks; closed with this
   */
  public ChannelTransfer(ByteChannel channel) {
    this.channel = channel;
  }

  @Override
  public void send(Frame frame) throws IOException {
    ByteBuffer payload = frame.payload().duplicate();
    out.clear();
    out.putInt(MAGIC).put(VERSION).put((byte) (frame.type().ordinal() + 1)).putShort((short) 0);
    out.putLong(frame.room()).putInt(payload.remaining());
    out.putInt(checksum(out, payload)).flip();
    write(out);
    write(payload);
  }

  private void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public Frame receive(Type... expected) throws IOException {
    read(in.clear(), "a frame");
    if (in.getInt(0) != MAGIC || in.get(4) != VERSION || in.getShort(6) != 0) {
      // Callers read this; what another service sends is not for them.
      String found = in.getInt(0) == MAGIC ? "a frame of version " + in.get(4) : "other bytes";
      throw new TransferException("expected a frame of version " + VERSION + ", found " + found);
    }
    Type type = type(in.get(5) - 1, expected);
    int length = in.getInt(16);
    if (length < 0 || length > type.most()) {
      throw new TransferException(
          "%s: expected at most %d bytes, found %d".formatted(type, type.most(), length));
    }
    ByteBuffer payload = payload(length, type);
    int checksum = checksum(in, payload);
    if (checksum != in.getInt(CHECKED)) {
      throw new TransferException(
          "%s: expected the checksum %08x, found %08x"
              .formatted(type, in.getInt(CHECKED), checksum));
    }
    Frame frame = new Frame(type, in.getLong(8), payload);
    if (type == Type.ABORT) {
      throw new TransferException(frame.reason());
    }
    return frame;
  }

  private static Type type(int number, Type[] expected) throws TransferException {
    Type[] all = Type.values();
    Type type = number < 0 || number >= all.length ? null : all[number];
    if (type != Type.ABORT && !Arrays.asList(expected).contains(type)) {
      String types = Stream.of(expected).map(Type::name).collect(Collectors.joining(" or "));
      throw new TransferException(
          "expected " + types + ", found " + (type == null ? "type " + (number + 1) : type));
    }
    return type;
  }

  /** Reads a payload. Its memory grows as its bytes come: a length alone takes none. */
  private ByteBuffer payload(int length, Type type) throws IOException {
    byte[] bytes = new byte[Math.min(length, AT_ONCE)];
    ByteBuffer payload = ByteBuffer.wrap(bytes);
    read(payload, "the payload of " + type);
    while (payload.position() < length) {
      int at = payload.position();
      bytes = Arrays.copyOf(bytes, (int) Math.min(length, 2L * at));
      payload = ByteBuffer.wrap(bytes).position(at);
      read(payload, "the payload of " + type);
    }
    return payload.flip();
  }

  private void read(ByteBuffer bytes, String what) throws IOException {
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw new EOFException(
            "the other side closed the connection: expected %s, found %d of %d bytes"
                .formatted(what, bytes.position(), bytes.capacity()));
      }
    }
  }

  private static int checksum(ByteBuffer header, ByteBuffer payload) {
    CRC32C crc = new CRC32C();
    crc.update(header.array(), 0, CHECKED);
    crc.update(payload.duplicate());
    return (int) crc.getValue();
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) { // a channel that cannot be closed would leave the other side waiting
      throw new UncheckedIOException(e);
    }
  }
}

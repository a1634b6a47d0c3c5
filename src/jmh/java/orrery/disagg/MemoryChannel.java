package orrery.disagg;

import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;

/** A channel that reads what was written to it; one frame has room in it. */
final class MemoryChannel implements ByteChannel {
  private static final int AROUND = 64; // bytes: a frame's header, and a page's pool and index

  private final ByteBuffer bytes; // between its position and its limit is what was not read yet

  /**
   * @param bytes of a page
   */
  MemoryChannel(int bytes) {
    this.bytes = ByteBuffer.allocate(bytes + AROUND).limit(0);
  }

  @Override
  public int write(ByteBuffer from) {
    int n = from.remaining();
    bytes.compact().put(from).flip();
    return n;
  }

  @Override
  public int read(ByteBuffer into) {
    int n = Math.min(into.remaining(), bytes.remaining());
    into.put(bytes.slice(bytes.position(), n));
    bytes.position(bytes.position() + n);
    return n;
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public void close() {}
}

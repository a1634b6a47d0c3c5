package orrery.kv;

import java.util.stream.IntStream;

/** What a layout has on the host, or could have there, and what the device has in its place. */
public final class HostRows {
  private HostRows() {}

  /** The most rows of a stream that a token chooses; 0 if there is no stream to choose from. */
  public static int chosen(KvLayout layout) {
    return layout.streams().stream().mapToInt(Stream::chosen).max().orElse(0);
  }

  /** Bytes of the device buffers of all streams. */
  public static long bufferBytes(KvLayout layout) {
    return layout.streams().stream()
        .filter(s -> s.chosen() > 0)
        .mapToLong(layout.buffers()::bytes)
        .sum();
  }

  /** Bytes on the host that a page of {@code pageTokens} tokens takes; the others are device. */
  public static long bytesPerPage(KvLayout layout, int pageTokens) {
    return IntStream.range(0, layout.streams().size())
        .filter(layout::onHost)
        .mapToLong(s -> layout.streams().get(s).bytes(pageTokens))
        .sum();
  }
}

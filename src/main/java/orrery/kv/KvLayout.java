package orrery.kv;

import java.util.List;

/**
 * What a model caches: its streams. Rows of streams with the same {@code keeps} live equally long,
 * so these streams share a pool of pages and a page table. Pools are numbered in the order in which
 * their first stream appears.
 *
 * @param streams at least one, in the order in which the model addresses them
 */
public record KvLayout(List<Stream> streams) {
  public KvLayout {
    streams = List.copyOf(streams);
    if (streams.isEmpty()) {
      throw new IllegalArgumentException("a KV layout needs at least one stream");
    }
  }

  /** The {@code keeps} of each pool. */
  public int[] pools() {
    return streams.stream().mapToInt(Stream::keeps).distinct().toArray();
  }

  /** The pool of a stream. */
  public int poolOf(int stream) {
    int[] pools = pools();
    int pool = 0;
    while (pools[pool] != streams.get(stream).keeps()) {
      pool++;
    }
    return pool;
  }

  /** The stream that holds one row for each page, or -1 if there is none. */
  public int boundary() {
    for (int s = 0; s < streams.size(); s++) {
      if (streams.get(s).tokensPerRow() == Stream.PER_PAGE) {
        return s;
      }
    }
    return -1;
  }

  /** Bytes that a page of {@code pageTokens} tokens takes in all streams, stored as float32. */
  public long bytesPerPage(int pageTokens) {
    return streams.stream().mapToLong(s -> 4L * s.width() * s.rows(pageTokens)).sum();
  }
}

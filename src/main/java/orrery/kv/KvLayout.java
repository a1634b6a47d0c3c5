package orrery.kv;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What a model caches: its streams. Rows of streams with the same {@code keeps} live equally long,
 * so these streams share a pool of pages and a page table. Pools are numbered in the order in which
 * their first stream appears.
 */
public final class KvLayout {
  private final List<Stream> streams;
  private final int[] keeps; // [pools]
  private final int[] poolOf; // [streams]
  private final int[][] streamsOf; // [pools][streams of the pool]
  private final int boundary; // the stream with one row a page, or -1

  /**
   * @param streams at least one, in the order in which the model addresses them
   * @throws IllegalArgumentException if there is none
   */
  public KvLayout(List<Stream> streams) {
    this.streams = List.copyOf(streams);
    if (streams.isEmpty()) {
      throw new IllegalArgumentException("a KV layout needs at least one stream");
    }
    keeps = streams.stream().mapToInt(Stream::keeps).distinct().toArray();
    poolOf = new int[streams.size()];
    streamsOf = new int[keeps.length][];
    int perPage = -1;
    for (int pool = 0; pool < keeps.length; pool++) {
      int p = pool;
      streamsOf[pool] =
          IntStream.range(0, streams.size())
              .filter(s -> streams.get(s).keeps() == keeps[p])
              .toArray();
      for (int s : streamsOf[pool]) {
        poolOf[s] = pool;
        perPage = streams.get(s).tokensPerRow() == Stream.PER_PAGE ? s : perPage;
      }
    }
    boundary = perPage;
  }

  /** The streams, in the order in which the model addresses them. */
  public List<Stream> streams() {
    return streams;
  }

  /** The {@code keeps} of each pool. */
  public int[] pools() {
    return keeps.clone();
  }

  /** The pool of a stream. */
  public int poolOf(int stream) {
    return poolOf[stream];
  }

  /** The streams of a pool. */
  int[] streamsOf(int pool) {
    return streamsOf[pool];
  }

  /** The stream that holds one row for each page, or -1 if there is none. */
  public int boundary() {
    return boundary;
  }

  /** Bytes that a page of {@code pageTokens} tokens takes in all streams, stored as float32. */
  public long bytesPerPage(int pageTokens) {
    return streams.stream().mapToLong(s -> 4L * s.width() * s.rows(pageTokens)).sum();
  }
}

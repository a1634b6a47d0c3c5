package orrery.kv;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a model caches: its streams. Rows of streams with the same {@code keeps} live equally long,
 * so these streams share a pool of pages and a page table. Pool 0 has the rows that live longest;
 * the shorter a pool's rows live, the higher its number.
 */
public final class KvLayout {
  private final List<Stream> streams;
  private final int[] keeps; // [pools]
  private final int[] poolOf; // [streams]
  private final int[][] streamsOf; // [pools][streams of the pool]
  private final DeviceBuffers buffers; // of the streams from which rows choose
  private final int boundary; // the stream with one row a page, or -1

  /**
   * @param streams at least one, in the order in which the model addresses them
   * @throws IllegalArgumentException if there is none
   */
  public KvLayout(List<Stream> streams) {
    this(streams, DeviceBuffers.NONE);
  }

  private KvLayout(List<Stream> streams, DeviceBuffers buffers) {
    this.buffers = buffers;
    this.streams = List.copyOf(streams);
    if (streams.isEmpty()) {
      throw new IllegalArgumentException("a KV layout needs at least one stream");
    }
    keeps =
        streams.stream()
            .map(Stream::keeps)
            .distinct()
            .sorted(Comparator.reverseOrder())
            .mapToInt(Integer::intValue)
            .toArray();
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

  /**
   * The same streams, but those from which a row chooses lie on the host.
   *
   * @param buffers what the device holds of each of these
   */
  public KvLayout onHost(DeviceBuffers buffers) {
    return new KvLayout(streams, buffers);
  }

  /** What the device holds of each stream whose rows lie on the host. */
  public DeviceBuffers buffers() {
    return buffers;
  }

  /** Whether the rows of a stream lie on the host. */
  public boolean onHost(int stream) {
    return buffers.any() && streams.get(stream).chosen() > 0;
  }

  /** The most rows of a stream that a token chooses; 0 if there is no stream to choose from. */
  public int chosen() {
    return streams.stream().mapToInt(Stream::chosen).max().orElse(0);
  }

  /** Bytes of the device buffers of all streams. */
  public long bufferBytes() {
    return streams.stream().filter(s -> s.chosen() > 0).mapToLong(buffers::bytes).sum();
  }

  /** Bytes on the host that a page of {@code pageTokens} tokens takes; the others are device. */
  public long hostBytesPerPage(int pageTokens) {
    return IntStream.range(0, streams.size())
        .filter(this::onHost)
        .mapToLong(s -> streams.get(s).bytes(pageTokens))
        .sum();
  }

  /** The {@code keeps} of each pool. */
  public int[] pools() {
    return keeps.clone();
  }

  /** The pool of a stream. */
  public int poolOf(int stream) {
    return poolOf[stream];
  }

  /** What a user calls a pool: {@code all}, or {@code window 128} after what it keeps. */
  public String name(int pool) {
    return keeps[pool] == Stream.ALL ? "all" : "window " + keeps[pool];
  }

  /**
   * The fewest tokens that whole rows of every stream stand for; a page has a multiple of them.
   *
   * @throws IllegalArgumentException if there is no such number below 2^31
   */
  public int unit() {
    return unit(streams.stream());
  }

  /** The same number for the streams of one pool. */
  int unit(int pool) {
    return unit(IntStream.of(streamsOf[pool]).mapToObj(streams::get));
  }

  /**
   * Rounds the tokens of a page up, so that it holds whole rows of every stream.
   *
   * @throws IllegalArgumentException if that would be more than 2^31
   */
  public int wholeRows(int pageTokens) {
    int unit = unit();
    int most = Integer.MAX_VALUE / unit * unit;
    if (pageTokens > most) {
      throw new IllegalArgumentException(
          "page-size: expected at most "
              + most
              + ", a multiple of the "
              + unit
              + " tokens that whole rows of this model stand for, found "
              + pageTokens);
    }
    return Math.ceilDiv(pageTokens, unit) * unit;
  }

  /** The least common multiple of the tokens that rows stand for. */
  private static int unit(java.util.stream.Stream<Stream> streams) {
    return streams
        .mapToInt(Stream::tokensPerRow)
        .filter(tokens -> tokens != Stream.PER_PAGE)
        .reduce(1, KvLayout::leastMultiple);
  }

  private static int leastMultiple(int a, int b) {
    long multiple = a;
    while (multiple % b != 0) {
      multiple += a;
    }
    if (multiple > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "KV layout: expected rows of "
              + a
              + " and of "
              + b
              + " tokens to end together within 2^31 tokens, found "
              + multiple);
    }
    return (int) multiple;
  }

  /** The streams of a pool. */
  int[] streamsOf(int pool) {
    return streamsOf[pool];
  }

  /** The stream that holds one row for each page, or -1 if there is none. */
  public int boundary() {
    return boundary;
  }

  /** Bytes that a page of {@code pageTokens} tokens takes in all streams. */
  public long bytesPerPage(int pageTokens) {
    return streams.stream().mapToLong(s -> s.bytes(pageTokens)).sum();
  }
}

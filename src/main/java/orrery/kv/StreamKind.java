package orrery.kv;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Streams that differ only in their layer, for example the keys of all layers: what a cache holds,
 * told without a cache. All numbers are those of one sequence.
 *
 * @param name what the streams' names have in common: the name without {@code layers.3.}
 * @param streams how many there are
 * @param stream one of them
 */
public record StreamKind(String name, int streams, Stream stream) {
  private static final String LAYER = "layers\\.\\d+\\.";

  /** The kinds of a layout, in the order in which their first stream appears. */
  public static List<StreamKind> of(KvLayout layout) {
    Map<Stream, StreamKind> kinds = new LinkedHashMap<>();
    for (Stream s : layout.streams()) {
      String name = s.name().replaceFirst(LAYER, "");
      Stream alike =
          new Stream(
              name, s.width(), s.tokensPerRow(), s.keeps(), s.needs(), s.format(), s.chosen());
      kinds.merge(
          alike,
          new StreamKind(name, 1, alike),
          (all, one) -> new StreamKind(name, all.streams + 1, alike));
    }
    return new ArrayList<>(kinds.values());
  }

  /** Whether the rows of a token are kept to the end of the sequence. */
  public boolean grows() {
    return stream.keeps() == Stream.ALL;
  }

  /**
   * Bytes of the rows of so many tokens, all of them kept.
   *
   * @param pageTokens P, for a stream with one row a page
   */
  public long bytes(long tokens, int pageTokens) {
    boolean perPage = stream.tokensPerRow() == Stream.PER_PAGE;
    long rows = tokens / (perPage ? pageTokens : stream.tokensPerRow());
    return (long) stream.format().bytes(stream.width()) * streams * rows;
  }

  /** Bytes of the rows that are still readable behind so many tokens. */
  public long readable(long tokens, int pageTokens) {
    return bytes(Math.min(tokens, stream.keeps()), pageTokens);
  }

  /**
   * Bytes of the pages that hold these rows, if the end of the sequence is the end of a page.
   *
   * @param span slots of a page
   */
  public long held(long tokens, int pageTokens, int span) {
    long readable = Math.min(tokens, stream.keeps());
    return bytes(Math.min(tokens, Math.ceilDiv(readable, span) * (long) span), pageTokens);
  }
}

package orrery.lab;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * The streams of a cache in words, for tables: what a model declares says which rows its layers
 * read.
 */
final class StreamKind {
  private StreamKind() {}

  /** A stream without its layer, and how long its rows live. */
  static String of(Stream s) {
    String own = s.name().substring(layer(s).length() + 1);
    if (s.keeps() != Stream.ALL) {
      return own + " rows, of " + s.keeps() + " tokens";
    }
    return s.tokensPerRow() == 1
        ? own + " rows, of all tokens"
        : own + " rows, one for " + s.tokensPerRow() + " tokens";
  }

  /** Whether the rows live only as long as a window. */
  static boolean windowed(Stream s) {
    return s.keeps() != Stream.ALL;
  }

  /** The name of the layer that a stream is of: two parts, as in {@code layers.3}. */
  private static String layer(Stream s) {
    int second = s.name().indexOf('.', s.name().indexOf('.') + 1);
    return s.name().substring(0, second < 0 ? s.name().indexOf('.') : second);
  }

  /** What the layer of each stream reads, by the stream's name. */
  static Map<String, String> reach(KvLayout layout) {
    Map<String, List<Stream>> layers = new HashMap<>();
    layout.streams().forEach(s -> layers.computeIfAbsent(layer(s), l -> new ArrayList<>()).add(s));
    Map<String, String> reach = new HashMap<>();
    layout.streams().forEach(s -> reach.put(s.name(), reach(layers.get(layer(s)))));
    return reach;
  }

  /** Of a layer that selects its entries, there are the entries and the keys that select them. */
  private static String reach(List<Stream> layer) {
    List<Stream> whole = layer.stream().filter(s -> !windowed(s)).toList();
    if (whole.isEmpty()) {
      return "window alone";
    }
    int tokens = whole.getFirst().tokensPerRow();
    return tokens == 1
        ? "all tokens"
        : "window and " + (whole.size() > 1 ? "some" : "all") + " entries of " + tokens;
  }
}

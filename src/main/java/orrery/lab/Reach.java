package orrery.lab;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.kv.StreamKind;

/** In words, for tables: how long cached rows live, and which of them a layer reads. */
final class Reach {
  private Reach() {}

  /** Rows of one kind. */
  static String of(StreamKind kind) {
    Stream s = kind.stream();
    if (!kind.grows()) {
      return kind.name() + ", of " + s.keeps() + " tokens";
    }
    return kind.name() + (s.tokensPerRow() == 1 ? "" : ", one for " + s.tokensPerRow() + " tokens");
  }

  /** What the layer of each stream reads, by the stream's name. */
  static Map<String, String> byStream(KvLayout layout) {
    Map<String, List<Stream>> layers = new HashMap<>();
    layout
        .streams()
        .forEach(s -> layers.computeIfAbsent(layer(s.name()), l -> new ArrayList<>()).add(s));
    Map<String, String> reach = new HashMap<>();
    layout.streams().forEach(s -> reach.put(s.name(), of(layers.get(layer(s.name())))));
    return reach;
  }

  /** The layer that a stream is of: two parts of its name, as in {@code layers.3}. */
  private static String layer(String stream) {
    return stream.substring(0, stream.indexOf('.', stream.indexOf('.') + 1));
  }

  /** A layer that selects its entries has the entries, and the keys that select them. */
  private static String of(List<Stream> layer) {
    List<Stream> whole = layer.stream().filter(s -> s.keeps() == Stream.ALL).toList();
    if (whole.isEmpty()) {
      return "window alone";
    }
    int tokens = whole.getFirst().tokensPerRow();
    return tokens == 1
        ? "all tokens"
        : "window and " + (whole.size() > 1 ? "some" : "all") + " entries of " + tokens;
  }
}

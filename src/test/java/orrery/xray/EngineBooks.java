package orrery.xray;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import orrery.events.Holds.PageRun;
import orrery.events.Keyframe;
import orrery.events.Keyframe.BookedSequence;
import orrery.events.Keyframe.CachedBlock;
import orrery.events.Keyframe.PoolShape;
import orrery.events.Loaded;

/**
 * The engine's books of a keyframe in the form in which the page has its own: the same facts, made
 * in Java from the event, and not by the page's code.
 */
final class EngineBooks {
  private static final ObjectMapper JSON = new ObjectMapper();

  private EngineBooks() {}

  /** The books of a keyframe. */
  static JsonNode of(Keyframe k) {
    ObjectNode books = JSON.createObjectNode();
    books.put("step", k.step()).put("model", k.model()).put("pageTokens", k.pageTokens());
    books.put("paused", k.paused());
    books.set("switches", JSON.valueToTree(new TreeMap<>(k.switches())));
    ArrayNode pools = books.putArray("pools");
    for (int i = 0; i < k.shapes().size(); i++) {
      PoolShape shape = k.shapes().get(i);
      pools
          .addObject()
          .put("name", shape.name())
          .put("span", shape.span())
          .put("pages", shape.pages())
          .put("perBlock", shape.perBlock())
          .put("free", k.pools().get(i).free())
          .put("referenced", k.pools().get(i).referenced())
          .put("idle", k.pools().get(i).idle());
    }
    ArrayNode sequences = books.putArray("sequences");
    k.sequences().stream()
        .sorted(
            Comparator.comparingInt(BookedSequence::request).thenComparingInt(EngineBooks::named))
        .forEach(s -> put(s, sequences.addObject()));
    ArrayNode blocks = books.putArray("blocks");
    Map<Integer, String> ways = ways(k.blocks());
    Map<String, Integer> holders = new HashMap<>(); // of twins together: the page cannot tell them
    k.blocks().forEach(b -> holders.merge(ways.get(b.block()), b.holders(), Integer::sum));
    k.blocks().stream()
        .sorted(Comparator.comparingInt(CachedBlock::block))
        .forEach(b -> put(b, holders.get(ways.get(b.block())), blocks.addObject()));
    return read(books.toString());
  }

  /** The number of a sequence; -1 if it has never run and waits: most events do not name it. */
  private static int named(BookedSequence s) {
    boolean ran =
        !s.state().equals("waiting") || s.retractions() > 0 || s.tokens().length > s.promptTokens();
    return ran ? s.sequence() : -1;
  }

  private static void put(BookedSequence s, ObjectNode json) {
    json.put("request", s.request()).put("sequence", named(s)).put("state", s.state());
    json.put("retractions", s.retractions()).put("promptTokens", s.promptTokens());
    json.put("maxTokens", s.maxTokens());
    json.set("tokens", JSON.valueToTree(s.tokens()));
    json.put("computed", s.computed()).put("block", s.block());
    ArrayNode tables = json.putArray("tables");
    for (PageRun run : s.pools()) {
      tables.addObject().put("first", run.first()).set("pages", JSON.valueToTree(run.pages()));
    }
  }

  /**
   * The pages that only requests hold which are on their way between two engines, as {@code
   * pool/page}, and where their rows are: {@code transfer} (on their way to this engine), {@code
   * arrived} (here, and not used yet) or {@code inflight} (here, to be sent).
   */
  static Map<String, String> apart(Keyframe k) {
    Map<String, String> apart = new TreeMap<>();
    for (int pool = 0; pool < k.shapes().size(); pool++) {
      PoolShape shape = k.shapes().get(pool);
      for (BookedSequence s : k.sequences()) {
        PageRun run = s.pools().isEmpty() ? new PageRun(0, new int[0]) : s.pools().get(pool);
        for (int i = 0; i < run.pages().length; i++) {
          boolean hit = (run.first() + i + 1) * shape.span() <= s.computed();
          boolean runs = s.state().equals("running") || s.state().equals("transfer") && hit;
          String where = runs ? "" : s.state();
          apart.merge(shape.name() + "/" + run.pages()[i], where, (a, b) -> a.equals(b) ? a : "");
        }
      }
    }
    apart.values().removeIf(String::isEmpty);
    return apart;
  }

  /**
   * The pages whose rows came from host memory in these loads, as {@code pool/page} in order, but
   * those that are free again.
   */
  static String loaded(Keyframe k, List<Loaded> loads) {
    List<String> pages = new ArrayList<>();
    for (int i = 0; i < k.shapes().size(); i++) {
      int pool = i;
      IntStream held =
          k.sequences().stream()
              .filter(s -> !s.pools().isEmpty())
              .flatMapToInt(s -> Arrays.stream(s.pools().get(pool).pages()));
      IntStream kept = k.blocks().stream().flatMapToInt(b -> Arrays.stream(b.pages()[pool]));
      Set<Integer> used =
          IntStream.concat(held, kept).boxed().collect(Collectors.toCollection(HashSet::new));
      loads.stream()
          .flatMapToInt(l -> Arrays.stream(l.into()[pool]))
          .distinct()
          .sorted()
          .filter(used::contains)
          .forEach(page -> pages.add(k.shapes().get(pool).name() + "/" + page));
    }
    return String.join(" ", pages);
  }

  /** By block, all tokens from the beginning to its end. */
  private static Map<Integer, String> ways(List<CachedBlock> blocks) {
    Map<Integer, CachedBlock> byNumber = new HashMap<>();
    blocks.forEach(b -> byNumber.put(b.block(), b));
    Map<Integer, String> ways = new HashMap<>();
    for (CachedBlock b : blocks) {
      String way = "";
      for (CachedBlock at = b; at != null; at = byNumber.get(at.parent())) {
        way = Arrays.toString(at.tokens()) + way;
      }
      ways.put(b.block(), way);
    }
    return ways;
  }

  private static void put(CachedBlock b, int holders, ObjectNode json) {
    json.put("block", b.block()).put("parent", b.parent());
    json.set("tokens", JSON.valueToTree(b.tokens()));
    json.set("pages", JSON.valueToTree(b.pages()));
    json.put("priority", b.priority()).put("holders", holders);
  }

  /** What Java has as JSON. */
  static JsonNode json(Map<String, String> map) {
    return JSON.valueToTree(map);
  }

  /** The books that the page has, from its JSON. */
  static JsonNode read(String json) {
    try {
      return JSON.readTree(json);
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The keyframes of a run. */
  static List<Keyframe> keyframes(List<? extends orrery.events.Event> events) {
    return events.stream().filter(Keyframe.class::isInstance).map(Keyframe.class::cast).toList();
  }
}

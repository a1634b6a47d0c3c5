package orrery.xray;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import orrery.checkpoint.JsonText;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.kv.KvDtype;
import orrery.openai.FieldException;
import orrery.openai.Fields;
import orrery.sampling.SamplingParams;

/** The loads of the chapters, small enough to watch, for any model. */
final class Loads {
  private static final String FILE = "/orrery/xray/loads.json";

  private static final List<Load> ALL = read();

  private final LoadedModel loaded;
  private final boolean windows;

  /**
   * @param windows whether the model caches rows that only a window of later tokens reads
   */
  Loads(LoadedModel loaded, boolean windows) {
    this.loaded = loaded;
    this.windows = windows;
  }

  private static List<Load> read() {
    List<Load> all = new ArrayList<>();
    try (InputStream in = Loads.class.getResourceAsStream(FILE)) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      for (Object item : (List<?>) JsonText.value(text)) {
        all.add(load(Fields.of("loads[" + all.size() + "]", item)));
      }
    } catch (IOException e) {
      throw new IllegalStateException(FILE + " of the jar is broken", e);
    }
    return List.copyOf(all);
  }

  @SuppressWarnings("unchecked") // the file is ours, and its objects have strings as names
  private static Load load(Fields f) {
    List<?> asks = (List<?>) f.value("asks", "a list");
    return new Load(
        f.string("name"),
        f.string("title"),
        f.string("look"),
        f.string("chapter"),
        f.string("flags"),
        f.strings("needs"),
        (List<Map<String, Object>>) asks);
  }

  /** All loads, in the order in which a page offers them. */
  List<Load> all() {
    return ALL;
  }

  /**
   * The load that a body names.
   *
   * @throws FieldException if there is none of this name
   */
  Load get(Fields body) {
    String name = body.string("name");
    List<String> names = ALL.stream().map(Load::name).toList();
    return ALL.stream()
        .filter(load -> load.name().equals(name))
        .findFirst()
        .orElseGet(() -> body.fail("name", "one of " + String.join(", ", names)));
  }

  /** Why the model cannot show a load; empty if it can. */
  Optional<String> impossible(Load load) {
    return load.needs().stream().filter(need -> !has(need)).findFirst().map(Loads::missing);
  }

  private boolean has(String need) {
    return switch (need) {
      case "mtp" -> loaded.model().hasMtp();
      case "windows" -> windows;
      case "indexer" -> loaded.model().kvLayout(false, KvDtype.F32).chosen() > 0;
      case "tokenizer" -> loaded.tokenizer().isPresent();
      default -> throw new IllegalStateException(FILE + " needs " + need);
    };
  }

  private static String missing(String need) {
    return switch (need) {
      case "mtp" -> "the model has no MTP layer, so it drafts nothing";
      case "windows" -> "the model reads all its rows for the whole sequence: it has no windows";
      case "indexer" -> "the model has no indexer: each token reads all entries";
      default -> "the model has no tokenizer, so its answers are no text";
    };
  }

  /**
   * The requests of a load.
   *
   * @param longest most tokens of prompt and answer; what is longer is cut
   * @param seed of the first request; the others count on from it
   * @throws FieldException if the model cannot show it
   */
  List<Request> requests(Load load, int longest, long seed) {
    impossible(load)
        .ifPresent(
            why -> {
              throw FieldException.at("name", why);
            });
    List<Request> all = new ArrayList<>();
    for (Request request : load.asks().isEmpty() ? dozen() : asked(load, longest)) {
      long own = seed + all.size();
      all.add(OwnPrompts.told(fitting(request, longest, own)));
    }
    return all;
  }

  private List<Request> dozen() {
    return DemoPrompts.of(loaded).stream().map(this::request).toList();
  }

  private Request request(DemoPrompts.Prompt prompt) {
    if (loaded.tokenizer().isPresent()) {
      return prompt.request(loaded);
    }
    int[] ids = ids(prompt.shown()).stream().mapToInt(JsonText.Num::toInt).toArray();
    return Request.of(ids, prompt.params().withStop(List.of())); // a text can end no answer
  }

  private List<Request> asked(Load load, int longest) {
    OwnPrompts reader = new OwnPrompts(loaded, () -> longest);
    List<Request> all = new ArrayList<>();
    for (Map<String, Object> ask : load.asks()) {
      all.addAll(reader.read(Fields.of("", loaded.tokenizer().isPresent() ? ask : madeUp(ask))));
    }
    return all;
  }

  /** The same prompts for a model without a tokenizer: each word is the id of a token. */
  private Map<String, Object> madeUp(Map<String, Object> ask) {
    Map<String, Object> ids = new HashMap<>(ask);
    ids.put("prompts", ((List<?>) ask.get("prompts")).stream().map(p -> ids((String) p)).toList());
    return ids;
  }

  private List<JsonText.Num> ids(String text) {
    int vocab = loaded.model().vocab();
    return Arrays.stream(text.split(" "))
        .map(word -> new JsonText.Num(Math.floorMod(word.hashCode(), vocab) + "", true))
        .toList();
  }

  private static Request fitting(Request r, int longest, long seed) {
    int answer = Math.max(1, Math.min(r.params().maxTokens(), longest / 2));
    int prompt = Math.max(1, Math.min(r.prompt().length, longest - answer));
    SamplingParams params = r.params().withMaxTokens(answer).withSeed(seed);
    return new Request(
        Arrays.copyOf(r.prompt(), prompt),
        params,
        r.priority(),
        r.deadline(),
        r.salt(),
        r.retention());
  }
}

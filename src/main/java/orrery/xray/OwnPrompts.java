package orrery.xray;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.openai.FieldException;
import orrery.openai.Fields;
import orrery.sglang.GenerateReader;

/**
 * Prompts that a reader types into the page: {@code {"prompts": […], "sampling": {…}}}. They are
 * read as SGLang's {@code /generate} reads its own, whose fields have other names.
 */
final class OwnPrompts {
  private static final int ALTERNATIVES = 5; // tokens that the page shows beside the one drawn

  private final LoadedModel loaded;
  private final IntSupplier longest;

  /**
   * @param longest gives the most tokens of prompt and answer
   */
  OwnPrompts(LoadedModel loaded, IntSupplier longest) {
    this.loaded = loaded;
    this.longest = longest;
  }

  /**
   * The requests of a body.
   *
   * @throws FieldException naming the field, what was expected and what was found
   */
  List<Request> read(Fields body) {
    List<?> prompts = body.list("prompts", "a list of prompts, not empty");
    boolean ids = prompts.getFirst() instanceof List<?>;
    String name = ids ? "input_ids" : "text";
    Map<String, Object> renamed = new HashMap<>();
    renamed.put(name, prompts);
    renamed.put(
        "sampling_params", body.has("sampling") ? body.value("sampling", "an object") : Map.of());
    GenerateReader reader = new GenerateReader(loaded, longest.getAsInt());
    try {
      return reader.read(Fields.of("", renamed)).requests().stream().map(OwnPrompts::told).toList();
    } catch (FieldException e) {
      throw named(e, name);
    }
  }

  /** The same request, which also reports log-probabilities for the page. */
  static Request told(Request r) {
    return new Request(
        r.prompt(),
        r.params().withLogprobs(ALTERNATIVES),
        r.priority(),
        r.deadline(),
        r.salt(),
        r.retention());
  }

  private static FieldException named(FieldException e, String prompts) {
    String field = e.field() == null ? "" : e.field();
    String own =
        field.replaceFirst("^" + prompts, "prompts").replaceFirst("^sampling_params", "sampling");
    String problem = e.getMessage().substring(field.isEmpty() ? 0 : field.length() + 2);
    return FieldException.at(own, problem);
  }
}

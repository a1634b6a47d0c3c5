package orrery.sglang;

import static orrery.openai.Unsupported.field;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.JsonText.Num;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.grammar.Constraint;
import orrery.openai.Bootstrap;
import orrery.openai.ConstraintFields;
import orrery.openai.FieldException;
import orrery.openai.Fields;
import orrery.openai.PromptFields;
import orrery.openai.RetentionFields;
import orrery.openai.Salt;
import orrery.openai.SamplingFields;
import orrery.openai.ServedReader;
import orrery.openai.Unsupported;
import orrery.sampling.SamplingParams;
import orrery.sglang.GenerateRequest.Prompt;
import orrery.sglang.GenerateRequest.Report;

/**
 * Reads bodies for {@code /generate}. Unknown fields pass, since routers add their own; what SGLang
 * knows and Orrery cannot do is refused by its name.
 */
public final class GenerateReader {
  private static final String EXPECTED = "text or input_ids, one of them";
  private static final int NEW_TOKENS = 128; // SGLang's default
  private static final String PARAMS = "sampling_params";

  private static final List<Unsupported.Known> NOT_IN_BODY =
      List.of(
          field("image_data"),
          field("video_data"),
          field("audio_data"),
          field("input_embeds"),
          field("positional_embed_overrides"),
          field("token_ids_logprob"),
          field("return_hidden_states"),
          field("return_routed_experts"),
          field("return_prompt_token_ids"),
          field("session_params"),
          field("lora_path"),
          field("lora_id"),
          field("custom_logit_processor"));

  private static final List<Unsupported.Known> NOT_IN_PARAMS =
      List.of(
          field("stop_regex"),
          field("ebnf"),
          field("structural_tag"),
          field("skip_special_tokens", "true"),
          field("no_stop_trim"),
          field("custom_params"));

  private final PromptFields prompts;
  private final ConstraintFields constraints;

  /**
   * @param longest most tokens of prompt and answer that context and cache have room for
   */
  public GenerateReader(LoadedModel loaded, int longest) {
    this.prompts = new PromptFields(loaded, longest, false);
    this.constraints = new ConstraintFields(loaded);
  }

  /**
   * Reads a body. Prompts that name no seed leave it to the engine, which takes a different one for
   * each: its number among all requests.
   *
   * @throws FieldException naming the field, what was expected and what was found
   */
  public GenerateRequest read(Fields body) {
    NOT_IN_BODY.forEach(known -> Unsupported.require(body, known));
    boolean ids = body.has("input_ids");
    if (ids == body.has("text")) {
      throw new FieldException(ids ? "input_ids" : "text", EXPECTED, ids ? "both" : "none");
    }
    String name = ids ? "input_ids" : "text";
    Object value = body.value(name, EXPECTED);
    boolean several =
        value instanceof List<?> items
            && (ids ? !items.isEmpty() && !(items.getFirst() instanceof Num) : true);
    int count = several ? ((List<?>) value).size() : 1;
    if (count == 0 || count > ServedReader.MAX_CHOICES) {
      throw new FieldException(name, "1 to " + ServedReader.MAX_CHOICES + " prompts", count + "");
    }
    List<String> rids = rids(body, count, several);
    List<Prompt> all = new ArrayList<>();
    ConstraintFields.Made made = new ConstraintFields.Made();
    Drawing drawing = null;
    for (int i = 0; i < count; i++) {
      Object item = several ? ((List<?>) value).get(i) : value;
      int[] tokens = tokens(ids, several ? body.item(name, i) : body.path(name), item);
      Each of = new Each(body, count, i);
      Report report = report(of, tokens.length);
      if (drawing == null || of.isList(PARAMS)) { // else it is the same for all prompts
        drawing = drawing(of.object(PARAMS), made);
      }
      all.add(prompt(of, tokens, rids.get(i), report, drawing));
    }
    int n = sameN(all);
    if ((long) n * count > ServedReader.MAX_CHOICES) {
      String found = count + " prompts times n " + n;
      throw new FieldException(
          PARAMS + ".n", "at most " + ServedReader.MAX_CHOICES + " answers in all", found);
    }
    boolean stream = body.boolOr("stream", false);
    return new GenerateRequest(all, several || n > 1, stream, Bootstrap.in(body));
  }

  private int[] tokens(boolean ids, String at, Object item) {
    boolean right = ids ? item instanceof List<?> : item instanceof String;
    if (!right) {
      throw new FieldException(at, ids ? "token ids" : "text", JsonText.shown(item));
    }
    return prompts.read(at, item).tokens();
  }

  private static int sameN(List<Prompt> all) {
    int n = all.getFirst().choices();
    for (Prompt p : all) {
      if (p.choices() != n) {
        throw new FieldException(PARAMS + ".n", "the same number for each prompt", "several");
      }
    }
    return n;
  }

  /** What {@code sampling_params} say. */
  private record Drawing(SamplingParams params, boolean silent, int interval) {}

  private Drawing drawing(Fields sampling, ConstraintFields.Made made) {
    NOT_IN_PARAMS.forEach(known -> Unsupported.require(sampling, known));
    int most = sampling.intOr("max_new_tokens", NEW_TOKENS);
    boolean silent = most == 0;
    SamplingParams params;
    try {
      params =
          SamplingFields.common(sampling)
              .withMaxTokens(silent ? 1 : most)
              .withMinTokens(minTokens(sampling, most));
    } catch (IllegalArgumentException e) {
      throw GenerateRequest.refused(e.getMessage());
    }
    ServedReader.requireFewStops(PARAMS + ".", params);
    OptionalLong seed = sampling.longOrNone("sampling_seed");
    params = seed.isPresent() ? params.withSeed(seed.getAsLong()) : params;
    Optional<Constraint> constraint = constraints.read(sampling, made);
    params = constraint.isPresent() ? params.withConstraint(constraint.get()) : params;
    int interval = sampling.intOr("stream_interval", 1);
    if (interval < 1) {
      sampling.fail("stream_interval", "a number of at least 1");
    }
    return new Drawing(params, silent, interval);
  }

  private static Prompt prompt(Each of, int[] tokens, String rid, Report report, Drawing drawing) {
    SamplingParams params;
    try {
      params =
          drawing
              .params()
              .withLogprobs(report.wanted() ? report.top() : -1)
              .withPromptLogprobs(report.start() >= 0 ? report.top() : -1)
              .withLogprobStartLen(Math.max(0, report.start()));
    } catch (IllegalArgumentException e) {
      throw GenerateRequest.refused(e.getMessage());
    }
    Request request =
        Request.of(tokens, params)
            .withPriority(of.integer("priority", 0))
            .withSalt(Salt.of("", of.string("extra_key", "")))
            .withRetention(RetentionFields.of(of.object(RetentionFields.FIELD)));
    return new Prompt(request, rid, report, drawing.silent(), drawing.interval());
  }

  private static int minTokens(Fields sampling, int most) {
    int least = sampling.intOr("min_new_tokens", 0);
    return least < 0 || least > most
        ? sampling.fail("min_new_tokens", "a number from 0 to max_new_tokens (" + most + ")")
        : least;
  }

  private static Report report(Each of, int length) {
    boolean wanted = of.bool("return_logprob", false);
    int start = of.integer("logprob_start_len", -1);
    int top = of.integer("top_logprobs_num", 0);
    boolean text = of.bool("return_text_in_logprobs", false);
    if (start < -1 || wanted && start >= length) {
      throw new FieldException(
          "logprob_start_len",
          "-1, or a position in the prompt of " + length + " tokens",
          start + "");
    }
    if (top < 0 || top > SamplingParams.MAX_LOGPROBS) {
      throw new FieldException(
          "top_logprobs_num", "a number from 0 to " + SamplingParams.MAX_LOGPROBS, top + "");
    }
    return wanted ? new Report(true, start, top, text) : new Report(false, -1, 0, false);
  }

  /** The names of the requests; a name for a list of prompts gets their numbers, as in SGLang. */
  private static List<String> rids(Fields body, int count, boolean several) {
    List<String> rids = new ArrayList<>();
    Each first = new Each(body, count, 0);
    for (int i = 0; i < count; i++) {
      if (!body.has("rid")) {
        rids.add(UUID.randomUUID().toString().replace("-", ""));
      } else if (first.isList("rid")) {
        rids.add(new Each(body, count, i).string("rid", ""));
      } else {
        rids.add(several ? body.string("rid") + "_" + i : body.string("rid"));
      }
    }
    Set<String> different = new HashSet<>(rids);
    if (different.size() < count || different.contains("")) {
      throw new FieldException("rid", "a name of its own for each prompt", "the same, or none");
    }
    return rids;
  }
}

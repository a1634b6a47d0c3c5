package orrery.openai;

/**
 * How an answer travels: whole or as a stream, and what is counted beside it.
 *
 * @param stream whether tokens are sent as they come
 * @param usage whether a stream ends with the counts of tokens ({@code
 *     stream_options.include_usage})
 * @param continuousUsage whether each chunk has the counts so far, too ({@code
 *     continuous_usage_stats}, an extra of vLLM and SGLang)
 */
public record Delivery(boolean stream, boolean usage, boolean continuousUsage) {
  /** The whole answer at once. */
  public static final Delivery WHOLE = new Delivery(false, false, false);

  /** What a body asks for; options of a stream mean nothing for a whole answer. */
  static Delivery read(Fields body) {
    boolean stream = body.boolOr("stream", false);
    if (!body.has("stream_options")) {
      return new Delivery(stream, false, false);
    }
    Fields options = body.object("stream_options");
    boolean usage = options.boolOr("include_usage", false);
    boolean continuous = options.boolOr("continuous_usage_stats", false);
    return stream ? new Delivery(true, usage, usage && continuous) : WHOLE;
  }
}

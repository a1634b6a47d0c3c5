package orrery.sampling;

/** Why an answer ended. */
public sealed interface FinishReason {

  /** The name the HTTP APIs of OpenAI and SGLang use: stop, length or abort. */
  String type();

  /** The model drew an end-of-sequence token or a stop token id; its text is not part of it. */
  record StopToken(int matched) implements FinishReason {
    @Override
    public String type() {
      return "stop";
    }
  }

  /** The text ran into a stop string, and was cut off in front of it. */
  record StopString(String matched) implements FinishReason {
    @Override
    public String type() {
      return "stop";
    }
  }

  /** The answer reached the most tokens it may have. */
  record Length(int maxTokens) implements FinishReason {
    @Override
    public String type() {
      return "length";
    }
  }

  /** Somebody cancelled the request, or it failed; {@code cause} says who or how. */
  record Abort(String cause) implements FinishReason {
    @Override
    public String type() {
      return "abort";
    }
  }
}

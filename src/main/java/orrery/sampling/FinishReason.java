package orrery.sampling;

/** Why an answer ended. */
public sealed interface FinishReason {

  /** The name the HTTP APIs of OpenAI and SGLang use: stop, length or abort. */
  String type();

  /**
   * The model drew an end-of-sequence token or a stop token; its text is not part of the answer.
   */
  record StopToken(int matched) implements FinishReason {
    @Override
    public String type() {
      return "stop";
    }
  }

  /** The answer came to a stop string; its text ends before that. */
  record StopString(String matched) implements FinishReason {
    @Override
    public String type() {
      return "stop";
    }
  }

  /** The text is one of the constraint's texts, and no token can follow. */
  record Complete() implements FinishReason {
    @Override
    public String type() {
      return "stop";
    }
  }

  /** The answer has the largest number of tokens that it may have. */
  record Length(int maxTokens) implements FinishReason {
    @Override
    public String type() {
      return "length";
    }
  }

  /** The request was cancelled, passed its deadline or failed; {@code cause} says which. */
  record Abort(String cause) implements FinishReason {
    /** The cause of an answer that passed its deadline. */
    public static final String DEADLINE = "deadline";

    @Override
    public String type() {
      return "abort";
    }
  }
}

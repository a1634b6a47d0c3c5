package orrery.sampling;

/**
 * No token can be drawn for one choice of one request: its logits hold a NaN, or every token is
 * ruled out. The other requests of the batch go on.
 */
public final class SamplingException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final int choice;
  private final int position;
  private final boolean ruledOut;

  /**
   * @param choice which of the request's n answers, from 0
   * @param position index, in prompt and answer together, of the token that could not be drawn
   * @param problem what is wrong, for the message
   */
  public SamplingException(int choice, int position, String problem) {
    this(choice, position, problem, false);
  }

  /**
   * @param ruledOut whether the request's own parameters have ruled every token out
   */
  SamplingException(int choice, int position, String problem, boolean ruledOut) {
    super("choice " + choice + ", position " + position + ": " + problem);
    this.choice = choice;
    this.position = position;
    this.ruledOut = ruledOut;
  }

  /** Whether the request's own parameters have ruled every token out; else the model failed. */
  public boolean ruledOut() {
    return ruledOut;
  }

  /** Which of the request's n answers, from 0. */
  public int choice() {
    return choice;
  }

  /** Index, in prompt and answer together, of the token that could not be drawn. */
  public int position() {
    return position;
  }
}

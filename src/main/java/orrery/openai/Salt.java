package orrery.openai;

/** Who shares cached pages with whom: requests with the same salt. */
public final class Salt {
  private Salt() {}

  /**
   * One salt of two fields of a body. Requests share pages if both are the same, by whichever API
   * they came; without either they have no salt.
   *
   * @param salt {@code cache_salt}, vLLM's and OpenAI's name; empty for none
   * @param extra {@code extra_key}, SGLang's name of the same thing; empty for none
   */
  public static String of(String salt, String extra) {
    // the length keeps two pairs apart that are the same when put together
    return salt.isEmpty() && extra.isEmpty() ? "" : salt.length() + ":" + salt + extra;
  }
}

package orrery.prefix;

/** What one sequence says about how long its blocks are kept. */
public interface Retentions {
  /**
   * Says nothing. New blocks have {@link Retention#DEFAULT}, and those of a hit keep what they
   * have.
   */
  Retentions NONE = token -> null;

  /** What it says about the block that begins with a token; null if it says nothing. */
  Retention at(int token);
}

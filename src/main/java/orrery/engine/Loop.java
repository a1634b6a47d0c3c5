package orrery.engine;

/** Computes the engine's steps, on the engine's thread. */
interface Loop {
  /**
   * Computes one step. Returns false if the policy has nothing to compute now although sequences
   * wait.
   */
  boolean step();

  /** Settles what was launched and is not settled yet. */
  void settle();

  /** Whether no step is on its way. */
  boolean settled();

  /**
   * Gives up what was launched and is not settled, because a bug has stopped the engine; waits
   * until it is computed no more.
   */
  void abandon();

  /** Ends the loop's own threads, once a step on its way is computed. */
  void close();
}

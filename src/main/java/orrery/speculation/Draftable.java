package orrery.speculation;

import orrery.kv.PageTable;

/** A running sequence as speculation sees it. */
public interface Draftable {
  /** The known tokens; the first {@link #known} entries count. */
  int[] tokens();

  /** How many tokens prompt and answer have so far. */
  int known();

  /**
   * How many tokens have cached rows. While the sequence decodes, these are all known tokens but
   * the newest.
   */
  int computed();

  /** Where the cached rows of the sequence lie. */
  PageTable table();
}

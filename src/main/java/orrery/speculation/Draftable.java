package orrery.speculation;

import orrery.kv.PageTable;

/** A running sequence as speculation sees it. */
public interface Draftable {
  /** Known tokens, the first {@link #known} count. */
  int[] tokens();

  /** Tokens of prompt and answer so far. */
  int known();

  /** Tokens whose rows are cached; all known ones but the newest, while it decodes. */
  int computed();

  /** Where its rows lie. */
  PageTable table();
}

package orrery.offload;

import orrery.prefix.Retention;
import orrery.prefix.Retentions;

/** What earlier sequences said about blocks of a hit that are on the host alone. */
final class EarlierRetentions {
  private final Retention[] said; // [blocks of the hit] null: nothing
  private final int pageTokens;
  private boolean any;

  /**
   * @param blocks of the hit
   */
  EarlierRetentions(HostIndex host, PartLayout layout, Lookup found, int blocks, int pageTokens) {
    this.said = new Retention[blocks];
    this.pageTokens = pageTokens;
    for (int block = found.walked(); block < blocks; block++) {
      for (int of = 0; of < layout.pools() && said[block] == null; of++) {
        said[block] = host.left(new Part(found.key(block), of));
        any |= said[block] != null;
      }
    }
  }

  /** What a sequence says; about blocks of which it says nothing, what was said before. */
  Retentions under(Retentions now) {
    return any ? token -> at(now, token) : now;
  }

  private Retention at(Retentions now, int token) {
    Retention saysNow = now.at(token);
    int block = token / pageTokens;
    return saysNow == null && block < said.length ? said[block] : saysNow;
  }
}

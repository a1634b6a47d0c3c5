package orrery.offload;

import orrery.prefix.PrefixCache.Lease;

/** A hold on the cache over pages, and what the next blocks are called. */
final class TieredLease implements Lease {
  final Lease inPages;
  BlockKey last; // of the blocks that this lease has in pages
  int blocks; // how many
  int lacked; // blocks from the first on that lacked pages, which their insert fills

  TieredLease(Lease inPages, BlockKey last, int blocks) {
    this.inPages = inPages;
    this.last = last;
    this.blocks = blocks;
  }

  /** The lease of another sequence with the same blocks. */
  TieredLease fork(Lease forked) {
    TieredLease fork = new TieredLease(forked, last, blocks);
    fork.lacked = lacked;
    return fork;
  }

  @Override
  public Lease inPages() {
    return inPages;
  }
}

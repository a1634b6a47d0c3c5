package orrery.prefix;

import java.util.List;
import orrery.prefix.HashBlockCache.Chain;
import orrery.prefix.PrefixCache.Lease;

/**
 * The blocks of a {@link HashBlockCache}, read from its table. Blocks with equal tokens behind
 * equal blocks are twins, and a look-up may go over any of them. So the block that is told as the
 * parent of another may be a twin of the one that a sequence holds.
 */
final class HashBook extends BlockBook {
  private final BlockTable table;
  private boolean orphans; // whether a block went that others may have stood behind

  HashBook(BlockTable table) {
    this.table = table;
  }

  /** A block went of which a twin remains, and blocks stand behind the two. */
  void orphaned() {
    orphans = watched();
  }

  @Override
  void settle() {
    if (orphans) {
      orphans = false;
      table.all().stream().filter(HashBlock::orphan).forEach(this::touched);
    }
  }

  @Override
  void walk(Visit visit) {
    table.forEach(e -> visit.block(e, e.before(), e.holders));
  }

  @Override
  Block before(Block block) {
    return ((HashBlock) block).before();
  }

  @Override
  Block end(Lease lease) {
    List<HashBlock> entries = ((Chain) lease).entries;
    return entries.isEmpty() ? null : entries.getLast();
  }
}

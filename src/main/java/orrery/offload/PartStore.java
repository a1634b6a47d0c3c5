package orrery.offload;

import java.lang.foreign.MemorySegment;

/**
 * Parts that outlive the process (L3), by name. What is found under a name is whole and has the
 * bytes that were stored under it, or it is not found: a damaged, cut or foreign file is a miss.
 *
 * <p>Any thread may call any method; several engines may use one store.
 */
public interface PartStore extends AutoCloseable {
  /** Whether a part is likely to be here; it may be gone when it is read. Costs little. */
  boolean contains(Part part);

  /**
   * Takes note that a part is used, though its rows came from faster memory: among the parts of a
   * store that is full, it is one of the last to go.
   *
   * @return whether it is here
   */
  boolean used(Part part);

  /**
   * Reads a part.
   *
   * @param into as many bytes as the part has, outside the Java heap or of a {@code byte[]}
   * @return whether it was here; if not, {@code into} may hold anything
   */
  boolean get(Part part, MemorySegment into);

  /**
   * Stores a part; a crash at any moment leaves the whole part or none. One of the same name is
   * replaced.
   *
   * @param bytes outside the Java heap or of a {@code byte[]}
   * @return whether it is here now; false if there is no room for it, or the disk refused it
   */
  boolean put(Part part, MemorySegment bytes);

  /** Bytes that the store takes on the disk, as this engine last saw them. */
  long bytes();

  @Override
  void close();
}

package orrery.graph;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import orrery.quantization.ActivationRounding;

/**
 * Launches the ops of a forward pass, and rounds the input of each product with quantised weights
 * to FP8 before it, into a buffer of its own. Products that follow each other and read the same
 * rows, such as queries, keys and values, share one rounding.
 */
public final class RoundedInputs extends Launcher {
  /**
   * A rounded buffer.
   *
   * @param x what is rounded
   * @param width columns that one matrix multiplies
   */
  private record Key(Buffer x, ActivationRounding rounding, int width) {}

  /** The rounded buffers of one forward pass; each is made when it is first needed. */
  public static final class Space {
    private final Map<Key, Buffer> rounded = new HashMap<>();

    private Buffer of(Key key) {
      return rounded.computeIfAbsent(key, k -> k.x.like(".fp8"));
    }

    /** Bytes of all rounded buffers. */
    public long bytes() {
      return rounded.values().stream().mapToLong(b -> (long) Float.BYTES * b.data.length).sum();
    }
  }

  private final Launcher to;
  private final Space space;
  private final Set<Key> fresh = new HashSet<>(); // rounded, and x has not been written since

  /** Launches to another launcher. One forward pass has one space, and a new launcher each time. */
  public RoundedInputs(Launcher to, Space space) {
    this.to = to;
    this.space = space;
  }

  @Override
  public void launch(Op op) {
    to.launch(op instanceof MatrixProduct product ? rounded(product) : op);
    List<Operand> written = op.writes();
    fresh.removeIf(key -> written.contains(key.x));
  }

  private Op rounded(MatrixProduct product) {
    ActivationRounding rounding = product.matrices().getFirst().input();
    if (product.matrices().stream().anyMatch(m -> !m.input().equals(rounding))) {
      throw new IllegalArgumentException(
          product.line() + ": expected weights whose input is rounded alike, found several kinds");
    }
    if (rounding.equals(ActivationRounding.NONE)) {
      return product;
    }
    Key key = new Key(product.x(), rounding, product.matrices().getFirst().in);
    Buffer y = space.of(key);
    if (fresh.add(key)) {
      to.launch(new RoundActivations(key.x, rounding, key.width, y));
    }
    return product.of(y);
  }

  @Override
  public void tap(String name, Buffer buffer) {
    to.tap(name, buffer);
  }

  @Override
  public void tap(String name, IntBuffer buffer) {
    to.tap(name, buffer);
  }
}

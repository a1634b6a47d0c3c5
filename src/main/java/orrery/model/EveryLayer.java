package orrery.model;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Makes all layers of a model on all processors. A parallel stream would do, but it throws the
 * error of any layer, and a copy of it whose message begins with the name of a Java class. This one
 * throws the error of the first layer that fails, as it was thrown: a broken checkpoint is refused
 * with the same words every time.
 */
public final class EveryLayer {
  private EveryLayer() {}

  /**
   * Returns what {@code make} makes of the numbers 0 to {@code layers} - 1, in this order.
   *
   * @param array makes the array that is returned, of a given length
   */
  public static <T> T[] of(int layers, IntFunction<T> make, IntFunction<T[]> array) {
    T[] made = array.apply(layers); // [layers]
    Throwable[] failures = new Throwable[layers]; // [layers]
    AtomicInteger failed = new AtomicInteger(layers); // the first one so far
    IntStream.range(0, layers)
        .parallel()
        .filter(layer -> layer < failed.get()) // a layer behind it would change nothing
        .forEach(
            layer -> {
              try {
                made[layer] = make.apply(layer);
              } catch (RuntimeException | Error e) {
                failures[layer] = e;
                failed.accumulateAndGet(layer, Math::min);
              }
            });
    if (failed.get() < layers) {
      throwAsItIs(failures[failed.get()]);
    }
    return made;
  }

  private static void throwAsItIs(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) failure;
  }
}

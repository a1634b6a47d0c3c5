package orrery;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Does the independent pieces of a long test on all processors at once. Each piece waits for an
 * engine or a JVM of its own, so the pieces get threads of their own: the common pool would start
 * more of them for those that wait.
 */
public final class AllCores {
  private AllCores() {}

  /**
   * Calls the work for each item.
   *
   * @return the results, in the order of the items
   * @throws RuntimeException or an error: what the work of the first failing item threw. No further
   *     item is begun then
   */
  public static <T, R> List<R> map(List<T> items, Function<T, R> work) {
    try (ExecutorService pool =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      List<Future<R>> futures = new ArrayList<>();
      for (T item : items) {
        Callable<R> one = () -> work.apply(item);
        futures.add(pool.submit(one));
      }
      List<R> results = new ArrayList<>();
      try {
        for (Future<R> future : futures) {
          results.add(future.get());
        }
      } catch (ExecutionException | InterruptedException e) {
        pool.shutdownNow();
        throw thrown(e);
      }
      return results;
    }
  }

  /** Does the work for each item; throws as {@link #map}. */
  public static <T> void forEach(List<T> items, Consumer<T> work) {
    map(
        items,
        item -> {
          work.accept(item);
          return null;
        });
  }

  private static RuntimeException thrown(Exception e) {
    if (e.getCause() instanceof Error error) {
      throw error;
    }
    return e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e);
  }
}

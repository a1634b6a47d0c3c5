package orrery.server;

import java.util.function.Function;
import orrery.engine.Engine;

/**
 * Something that is made for one engine, such as a reader that knows its context length. When
 * another engine takes the place of that one, it is made again. It must not hold the engine, whose
 * memory the next one needs.
 */
final class ForEngine<T> {
  private record Made<T>(int number, T value) {}

  private final Serving serving;
  private final Function<Engine, T> maker;
  private volatile Made<T> made; // two calls may both make it; the two are alike

  ForEngine(Serving serving, Function<Engine, T> maker) {
    this.serving = serving;
    this.maker = maker;
    get(); // a mistake shows when the server starts
  }

  /**
   * The value for the engine that answers now.
   *
   * @throws HttpException 503 while another engine starts
   */
  T get() {
    int number = serving.number();
    Made<T> now = made;
    if (now == null || now.number() != number) {
      now = new Made<>(number, maker.apply(serving.engine()));
      made = now;
    }
    return now.value();
  }
}

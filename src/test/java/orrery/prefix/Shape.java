package orrery.prefix;

import java.util.List;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * What a walk caches, and in which pages.
 *
 * @param pageTokens the page sizes P to draw from
 * @param longest the most tokens of a sequence
 */
record Shape(String name, KvLayout layout, int[] pageTokens, int longest) {
  /** All pages of a sequence live as long as it. */
  static final Shape PLAIN =
      new Shape("plain", new KvLayout(List.of(Stream.whole("key", 1))), new int[] {1, 2, 4, 8}, 40);

  /** Pool 0 keeps all, pool 1 a window of 5 tokens. */
  static final Shape WINDOWED =
      new Shape(
          "windowed",
          new KvLayout(List.of(Stream.whole("key", 1), new Stream("latent", 1, 1, 5, 4))),
          new int[] {1, 2, 4, 8},
          40);

  /**
   * As a hybrid model has it: windows much shorter than a block, rows of which a prefix needs fewer
   * than the window keeps, or none, and rows that a drafter writes late.
   */
  static final Shape HYBRID =
      new Shape(
          "hybrid",
          new KvLayout(
              List.of(
                  Stream.whole("key", 1),
                  new Stream("latent", 1, 1, 4, 3),
                  new Stream("late latent", 1, 1, 4, 3),
                  new Stream("half state", 1, 1, 4, 0),
                  new Stream("state", 1, 1, 8, 4),
                  new Stream("short state", 1, 1, 2, 0),
                  Stream.whole("late key", 1))),
          new int[] {1, 4, 8, 16, 32},
          120);

  /** No pool holds all rows of a prefix; one keeps rows of which a prefix needs the last. */
  static final Shape WINDOWS_ONLY =
      new Shape(
          "windows only",
          new KvLayout(
              List.of(
                  new Stream("latent", 1, 1, 4, 3),
                  new Stream("wide", 1, 1, 9, 8),
                  new Stream("last", 1, 1, Stream.ALL, 1))),
          new int[] {1, 2, 4, 16},
          80);

  /** A prefix needs several pages of its last block. */
  static final Shape LONG_WINDOWS =
      new Shape(
          "long windows",
          new KvLayout(
              List.of(
                  Stream.whole("key", 1),
                  new Stream("latent", 1, 1, 9, 8),
                  new Stream("late state", 1, 1, 14, 7))),
          new int[] {6, 10, 12, 24},
          90);

  /** The pools of DeepSeek-V4, in pages of four windows and more. */
  static final Shape V4 =
      new Shape(
          "v4",
          new KvLayout(
              List.of(
                  new Stream("raw", 1, 1, 6, 5),
                  new Stream("csa state", 1, 1, 8, 4),
                  Stream.whole("csa", 1),
                  new Stream("hca state", 1, 1, 16, 0),
                  new Stream("late raw", 1, 1, 6, 5))),
          new int[] {24, 32, 48},
          180);

  static final List<Shape> ALL = List.of(PLAIN, WINDOWED, HYBRID, WINDOWS_ONLY, LONG_WINDOWS, V4);
}

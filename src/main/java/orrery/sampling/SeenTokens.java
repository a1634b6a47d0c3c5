package orrery.sampling;

import java.util.Arrays;

/**
 * The different tokens of a prompt and its answer, and how often each is in the answer. It is a
 * hash table with open addressing. The tokens themselves lie side by side in an array, those of the
 * prompt first.
 */
final class SeenTokens {
  private static final int EMPTY = -1;

  private final int promptTokens; // different tokens of the prompt: the first ones
  private int size; // different tokens
  private int[] tokens = new int[8]; // [capacity]
  private int[] counts = new int[8]; // [capacity] how often the answer has it; 0 after a rollback
  private int[] table = filled(16); // [2 * capacity] index into tokens, or EMPTY

  SeenTokens(int[] prompt) {
    for (int token : prompt) {
      indexOrNew(token);
    }
    promptTokens = size;
  }

  /** The number of entries, with those that were rolled back. */
  int size() {
    return size;
  }

  /** The token of an entry. */
  int token(int entry) {
    return tokens[entry];
  }

  /** How often an entry's token is in the answer. */
  int countAt(int entry) {
    return counts[entry];
  }

  /** Whether an entry's token is in the prompt or the answer, and was not rolled back. */
  boolean presentAt(int entry) {
    return entry < promptTokens || counts[entry] > 0;
  }

  /** How often a token is in the answer. */
  int count(int token) {
    int entry = table[place(token)];
    return entry == EMPTY ? 0 : counts[entry];
  }

  /** Whether a token is in the prompt or the answer. */
  boolean contains(int token) {
    int entry = table[place(token)];
    return entry != EMPTY && presentAt(entry);
  }

  /** Adds {@code times} to the count of a token in the answer. */
  void add(int token, int times) {
    int entry = indexOrNew(token); // first, since it may grow the arrays
    counts[entry] += times;
  }

  private int indexOrNew(int token) {
    int place = place(token);
    if (table[place] != EMPTY) {
      return table[place];
    }
    if (size == tokens.length) {
      grow();
      place = place(token);
    }
    tokens[size] = token;
    table[place] = size;
    return size++;
  }

  /** Where the token is in the table, or would be. */
  private int place(int token) {
    int mask = table.length - 1;
    int place = (token * 0x9E3779B9 >>> 7) & mask; // Knuth's multiplicative hashing
    while (table[place] != EMPTY && tokens[table[place]] != token) {
      place = place + 1 & mask;
    }
    return place;
  }

  private void grow() {
    tokens = Arrays.copyOf(tokens, 2 * size);
    counts = Arrays.copyOf(counts, 2 * size);
    table = filled(4 * size);
    for (int entry = 0; entry < size; entry++) {
      table[place(tokens[entry])] = entry;
    }
  }

  private static int[] filled(int length) {
    int[] table = new int[length];
    Arrays.fill(table, EMPTY);
    return table;
  }
}

package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Equal keys mean equal tokens from the beginning on, and the same of all else. */
class BlockKeyTest {
  private static final BlockKey ROOT = BlockKey.root("rows", "salt");

  private static BlockKey chain(BlockKey root, int[] tokens, int blockTokens) {
    BlockKey key = root;
    for (int from = 0; from < tokens.length; from += blockTokens) {
      key = key.next(tokens, from, from + blockTokens);
    }
    return key;
  }

  @Test
  void theKeyIsWhatAnotherProgramMakesOfTheSameBytes() {
    assertThat(new BlockKey(0, 0, 0, 0).next(new int[] {1}, 0, 1).toString())
        .as("SHA-256 of 32 bytes of zero and the bytes 1 0 0 0, by another program")
        .isEqualTo("71c99cc3bc21757feed5b712744ebb0f770d5c41d99189f9457495747bf11050");
    assertThat(ROOT.toString())
        .as("SHA-256 of the bytes 0 0 0 4 and the text rowssalt")
        .isEqualTo("3ddf0e5b23d7f65530f8a27157ace597c985742c54a72ff2b26f4745822d3a5c");
  }

  @Test
  void equalTokensHaveEqualKeysAndEachOtherTokenAnother() {
    int[] tokens = new Random(1).ints(24, 0, 50_000).toArray();
    BlockKey key = chain(ROOT, tokens, 8);
    assertThat(chain(ROOT, tokens.clone(), 8)).isEqualTo(key);
    Set<BlockKey> keys = new HashSet<>(List.of(key));
    for (int i = 0; i < tokens.length; i++) {
      int[] other = tokens.clone();
      other[i] ^= 1 << 16; // whatever byte of a token differs
      keys.add(chain(ROOT, other, 8));
    }
    assertThat(keys).hasSize(1 + tokens.length);
  }

  @Test
  void theSameTokensUnderAnotherRootOrInOtherBlocksHaveOtherKeys() {
    int[] tokens = new Random(2).ints(24, 0, 50_000).toArray();
    assertThat(
            Set.of(
                chain(ROOT, tokens, 8),
                chain(ROOT, tokens, 4),
                chain(ROOT, tokens, 24),
                chain(BlockKey.root("rows", ""), tokens, 8),
                chain(BlockKey.root("row", "ssalt"), tokens, 8),
                chain(BlockKey.root("", "rowssalt"), tokens, 8)))
        .as("also where rows and salt are the same text, cut elsewhere")
        .hasSize(6);
  }

  @Test
  void aKeyIsItsBytesAndItsDigits() {
    BlockKey key = chain(ROOT, new int[] {7, -1, Integer.MIN_VALUE}, 1);
    assertThat(key.bytes()).hasSize(BlockKey.BYTES);
    assertThat(BlockKey.of(key.bytes())).isEqualTo(key);
    assertThat(key.toString()).hasSize(64).matches("[0-9a-f]+");
    byte[] last = new byte[BlockKey.BYTES];
    last[31] = (byte) 0x80;
    assertThat(BlockKey.of(last).toString()).endsWith("0080");
  }

  @Test
  void keysAreOrderedAsTheirDigitsAre() {
    List<BlockKey> keys = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      keys.add(ROOT.next(new int[] {i}, 0, 1));
    }
    keys.add(new BlockKey(-1, 0, 0, 0));
    keys.add(new BlockKey(0, 0, 0, -1));
    keys.add(new BlockKey(0, 0, 0, 1));
    List<String> digits = keys.stream().map(BlockKey::toString).sorted().toList();
    assertThat(keys.stream().sorted().map(BlockKey::toString)).isEqualTo(digits);
  }

  @Test
  void tokensBeyondTheArrayAreRefused() {
    assertThatThrownBy(() -> ROOT.next(new int[3], 1, 4))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}

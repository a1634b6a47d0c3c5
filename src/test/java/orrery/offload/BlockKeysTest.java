package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** A key that is remembered is the key that its tokens have. */
class BlockKeysTest {
  private static final int P = 4;
  private final BlockKeys keys = new BlockKeys("rows", 8);

  private BlockKey last(int[] tokens, int blocks, String salt) {
    BlockKey key = keys.root(salt);
    for (int b = 0; b < blocks; b++) {
      key = keys.next(key, tokens, b * P, (b + 1) * P);
    }
    return key;
  }

  private static BlockKey made(int[] tokens, int blocks, String salt) {
    BlockKey key = BlockKey.root("rows", salt);
    for (int b = 0; b < blocks; b++) {
      key = key.next(tokens, b * P, (b + 1) * P);
    }
    return key;
  }

  @Test
  void theKeysOfASecondLookUpAreNotMadeAgain() {
    int[] tokens = new Random(1).ints(5 * P, 0, 50_000).toArray();
    BlockKey first = last(tokens, 5, "a");
    assertThat(first).isEqualTo(made(tokens, 5, "a"));
    assertThat(last(tokens.clone(), 5, "a")).isSameAs(first);
    assertThat(keys.root("a")).isSameAs(keys.root("a"));
    assertThat(keys.size()).isEqualTo(5);
  }

  @Test
  void anArrayThatHasOtherTokensNowHasOtherKeys() {
    int[] tokens = new Random(2).ints(3 * P, 0, 50_000).toArray();
    BlockKey before = last(tokens, 3, "");
    for (int i = 0; i < tokens.length; i++) {
      tokens[i]++;
      assertThat(last(tokens, 3, "")).isEqualTo(made(tokens, 3, "")).isNotEqualTo(before);
      assertThat(last(tokens, 3, "b")).isEqualTo(made(tokens, 3, "b"));
      tokens[i]--;
    }
    assertThat(last(tokens, 3, "")).isEqualTo(before);
  }

  @Test
  void noMoreKeysAreRememberedThanThereIsRoomFor() {
    int[] tokens = new Random(3).ints(20 * P, 0, 50_000).toArray();
    for (int round = 0; round < 2; round++) {
      assertThat(last(tokens, 20, "")).isEqualTo(made(tokens, 20, ""));
      assertThat(keys.size()).isEqualTo(8);
    }
  }
}

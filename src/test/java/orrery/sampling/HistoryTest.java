package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HistoryTest {

  @Test
  void promptTokensAreKnownButNotCounted() {
    History history = new History(5, 1, 1, 4);
    assertThat(history.contains(1)).isTrue();
    assertThat(history.contains(0)).isFalse();
    assertThat(history.seen().count(1)).isZero();
    assertThat(history.length()).isEqualTo(3);
    assertThat(history.outputLength()).isZero();
    assertThat(history.vocab()).isEqualTo(5);
  }

  @Test
  void aHistoryEqualsAPlainListAfterAnyPushesAndRollbacks() {
    long seed = 20;
    System.out.println("HistoryTest seed " + seed);
    Random random = new Random(seed);
    History history = new History(6, 2);
    List<Integer> output = new ArrayList<>();
    for (int step = 0; step < 5_000; step++) {
      if (random.nextInt(10) < 7) {
        int token = random.nextInt(6);
        history.push(token);
        output.add(token);
      } else {
        int length = output.size() - random.nextInt(Math.min(5, output.size() + 1));
        history.rollback(length);
        output = output.subList(0, length);
      }
      assertThat(history.length()).isEqualTo(1 + output.size());
      for (int token = 0; token < 6; token++) {
        assertThat(history.seen().count(token)).isEqualTo(Collections.frequency(output, token));
        assertThat(history.contains(token)).isEqualTo(token == 2 || output.contains(token));
      }
      if (!output.isEmpty()) {
        assertThat(history.output(output.size() - 1)).isEqualTo(output.getLast());
      }
      output = new ArrayList<>(output);
    }
    assertThat(output).hasSizeGreaterThan(100);
  }

  /**
   * An array of the vocabulary's size would take 2 GiB and more, in each of a thousand histories.
   */
  @Test
  void theMemoryOfAHistoryDoesNotDependOnTheVocabulary() {
    int last = Integer.MAX_VALUE - 1;
    List<History> all = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      History history = new History(Integer.MAX_VALUE, 0, last);
      history.push(last);
      assertThat(history.seen().count(last)).isEqualTo(1);
      assertThat(history.contains(0)).isTrue();
      assertThat(history.contains(last - 1)).isFalse();
      all.add(history);
    }
    assertThat(all).hasSize(1_000);
  }

  @Test
  void aHistoryCountsTheSameIfItIsAskedFromTheBeginningOrAtTheEnd() {
    History early = new History(1 << 20, 7, 7, 9);
    History late = new History(1 << 20, 7, 7, 9);
    assertThat(early.contains(7)).isTrue(); // from here on this history counts
    for (int i = 0; i < 500; i++) {
      early.push(i * 1_024 % 60_000);
      late.push(i * 1_024 % 60_000);
      if (i % 7 == 0) {
        early.rollback(early.outputLength() - 1);
        late.rollback(late.outputLength() - 1);
      }
    }
    for (int token = 0; token < 60_000; token++) {
      assertThat(early.seen().count(token)).isEqualTo(late.seen().count(token));
      assertThat(early.contains(token)).isEqualTo(late.contains(token));
    }
  }

  @Test
  void aTokenOutsideTheVocabularyIsRefusedWithItsPosition() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new History(5, 0, 5))
        .withMessage("token at position 1: expected an id from 0 to 4, found 5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new History(5, 0).push(-1))
        .withMessage("token at position 1: expected an id from 0 to 4, found -1");
  }

  @Test
  void aRollbackCannotGoForwardsOrIntoThePrompt() {
    History history = new History(5, 0);
    history.push(1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> history.rollback(2))
        .withMessage("rollback to length 2: expected 0 to 1");
    assertThatIllegalArgumentException().isThrownBy(() -> history.rollback(-1));
  }
}

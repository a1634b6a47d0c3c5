package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.batching.View.Item;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/** When a decode engine has pages for a prompt: the example of docs/disaggregation.md. */
class DecodeAdmissionTest {
  private static final KvGeometry PAGES_OF_16 =
      new KvGeometry(new KvLayout(List.of(Stream.whole("key", 1))), 16);
  private static final Item A = running(0, 60, 150, 4);
  private static final Item B = running(1, 20, 100, 2);
  private static final Sequence C = sequence(2, 40, 64);

  private static Sequence sequence(int id, int prompt, int longest) {
    return new Sequence(id, id, 0, new int[prompt], longest, 0, id, 0, "");
  }

  private static Item running(int id, int known, int longest, int pages) {
    Sequence s = sequence(id, known, longest);
    int[] none = {0};
    int[] owned = {pages};
    return new Item(s, known, known - 1, known - 1, known - 1, 0, none, none, owned, false);
  }

  private static boolean admits(int free, int reserve, Item... running) {
    return new DecodeAdmission(PAGES_OF_16, new int[] {free}, 0, 0, reserve)
        .admits(List.of(running), List.of(), C);
  }

  @Test
  void aPromptWaitsUntilThePagesThatRunningAnswersWillNeedAreLeft() {
    assertThat(admits(14, 512, A, B)).isFalse(); // 14 - 6 - 5 = 3 are left, 4 are needed
    assertThat(admits(15, 512, A, B)).isTrue();
    assertThat(admits(16, 512, A)).isTrue(); // B has ended
    assertThat(admits(10, 512, A)).isTrue(); // 10 - 6 = 4
    assertThat(admits(9, 512, A)).isFalse();
  }

  @Test
  void aPromptGetsPagesSoonerIfLessIsReserved() {
    assertThat(admits(14, 64, A, B)).isTrue(); // 14 - 4 - 4 = 6 are left
    assertThat(admits(12, 64, A, B)).isTrue();
    assertThat(admits(11, 64, A, B)).isFalse();
  }
}

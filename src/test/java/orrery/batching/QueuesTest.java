package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class QueuesTest {
  private static Sequence sequence(int id, int priority) {
    return new Sequence(id, id, 0, new int[4], 20, priority, id, 0, "");
  }

  @Test
  void theHighestPriorityIsFirstAndTheLowestOfAllIsLast() {
    Queues queues = new Queues();
    int[] priorities = {0, Integer.MIN_VALUE, 7, Integer.MAX_VALUE, -1, 7}; // by number
    for (int id = 0; id < priorities.length; id++) {
      queues.enqueue(sequence(id, priorities[id]));
    }
    assertThat(queues.waiting()).extracting(s -> s.id).containsExactly(3, 2, 5, 0, 4, 1);
  }
}

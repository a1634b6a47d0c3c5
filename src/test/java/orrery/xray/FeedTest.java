package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.events.Event;
import orrery.events.Keyframe;
import orrery.events.Keyframe.CachedBlock;
import orrery.events.Vocabulary;

/** What pages get of the engine's events: those that come late, and those that read slowly. */
@Timeout(600)
class FeedTest {
  private static final Vocabulary WORDS = new Vocabulary(0, List.of("a", "b"));

  private long clock;

  private Keyframe keyframe() {
    return new Keyframe(
        ++clock, -1, "m", 4, Map.of(), List.of(), false, List.of(), List.of(), List.of());
  }

  private Event event() {
    return new Event.Paused(++clock);
  }

  /** Hands events to a feed: V a vocabulary, K a keyframe, each other letter some event. */
  private void feed(Feed feed, String events) {
    for (char c : events.toCharArray()) {
      feed.accept(c == 'V' ? WORDS : c == 'K' ? keyframe() : event());
    }
  }

  /** What is ready for a page: messages as {@code run:from+lost:events}. */
  private static List<String> read(Feed feed, Ring.Place place) throws InterruptedException {
    List<String> all = new ArrayList<>();
    for (Ring.Message m = next(feed, place); !m.batches().isEmpty(); m = next(feed, place)) {
      StringBuilder text = new StringBuilder(m.run() + ":" + m.from() + "+" + m.lost() + ":");
      for (Batch batch : m.batches()) {
        String json = new String(batch.json());
        for (String one : json.split("\\},\\{\"event\"")) {
          text.append(one.contains("Vocab") ? "V" : one.contains("Keyf") ? "K" : "e");
        }
      }
      all.add(text.toString());
    }
    return all;
  }

  private static Ring.Message next(Feed feed, Ring.Place place) throws InterruptedException {
    return feed.ring().next(place, 0).orElseThrow();
  }

  @Test
  void aPageThatOpensLateGetsTheWholeRingFromItsVocabularyOn() throws Exception {
    Feed feed = new Feed(100, Long.MAX_VALUE, 1000);
    feed(feed, "VKeee");
    feed.drain();
    feed(feed, "eKe");
    feed.drain();
    Ring.Place late = feed.ring().new Place();
    assertThat(read(feed, late)).containsExactly("0:0+0:VKeeeeKe");
    feed(feed, "ee");
    feed.drain();
    assertThat(read(feed, late)).containsExactly("0:8+0:ee");
  }

  @Test
  void theRingDropsWholeChunksAndKeepsTheVocabulary() throws Exception {
    Feed feed = new Feed(5, Long.MAX_VALUE, 1000);
    feed(feed, "VKeeeKeeKe");
    feed.drain();
    assertThat(read(feed, feed.ring().new Place())).containsExactly("0:0+0:V", "0:5+0:KeeKe");
    feed(feed, "eeeeeee");
    feed.drain();
    assertThat(read(feed, feed.ring().new Place()))
        .as("the newest chunk stays, however long it is")
        .containsExactly("0:0+0:V", "0:8+0:Keeeeeeee");
  }

  @Test
  void aPageThatFellOffGoesOnAtTheNewestKeyframeAndIsToldWhatItLost() throws Exception {
    Feed feed = new Feed(6, Long.MAX_VALUE, 1000);
    Ring.Place slow = feed.ring().new Place();
    feed(feed, "VKe");
    feed.drain();
    assertThat(read(feed, slow)).containsExactly("0:0+0:VKe");
    feed(feed, "eeKeKeee");
    feed.drain();
    assertThat(read(feed, slow))
        .as("3 is gone; the newest keyframe is 7")
        .containsExactly("0:7+4:Keee");
  }

  @Test
  void eventsBeforeTheFirstKeyframeAreOfNoUse() throws Exception {
    Feed feed = new Feed(100, Long.MAX_VALUE, 1000);
    feed(feed, "eeKe");
    feed.drain();
    assertThat(read(feed, feed.ring().new Place())).containsExactly("0:0+0:Ke");
  }

  @Test
  void aFeedThatIsNotEmptiedDropsEventsUpToAKeyframeAndSaysHowMany() throws Exception {
    Feed feed = new Feed(100, Long.MAX_VALUE, 4);
    Ring.Place page = feed.ring().new Place();
    feed(feed, "Keeeeeee"); // four fit
    feed.drain();
    feed(feed, "eeKe");
    feed.drain();
    assertThat(read(feed, page)).containsExactly("0:0+0:Keee", "0:10+6:Ke");
  }

  @Test
  void anotherEngineBeginsARunWithItsOwnVocabulary() throws Exception {
    Feed feed = new Feed(6, Long.MAX_VALUE, 1000);
    Ring.Place page = feed.ring().new Place();
    feed(feed, "VKe");
    feed.drain();
    feed.nextRun();
    feed(feed, "VKe");
    feed.drain();
    assertThat(read(feed, page)).containsExactly("0:0+0:VKe", "1:3+0:VKe");
    feed(feed, "eeeKe");
    feed.drain();
    assertThat(read(feed, feed.ring().new Place()))
        .as("of run 0 nothing is left")
        .containsExactly("1:3+0:V", "1:9+0:Ke");
    assertThat(read(feed, page))
        .as("the page kept up with the vocabulary")
        .containsExactly("1:9+3:Ke");
  }

  @Test
  void whatWasDroppedAtTheEndOfARunIsSaidToo() throws Exception {
    Feed feed = new Feed(100, Long.MAX_VALUE, 3);
    Ring.Place page = feed.ring().new Place();
    feed(feed, "Keeee"); // three fit
    feed.nextRun();
    feed.drain();
    feed(feed, "Ke");
    feed.drain();
    assertThat(read(feed, page)).containsExactly("0:0+0:Kee", "1:5+2:Ke");
  }

  @Test
  void theRingDropsWholeChunksThatAreTooLarge() throws Exception {
    Feed feed = new Feed(100, 12_000, 1000);
    for (int i = 0; i < 4; i++) {
      feed.accept(large(600)); // about 3,000 bytes
      feed(feed, "e");
      feed.drain();
    }
    assertThat(read(feed, feed.ring().new Place())).containsExactly("0:2+0:KeKeKe");
    feed.accept(large(60_000));
    feed.drain();
    assertThat(read(feed, feed.ring().new Place())).containsExactly("0:8+0:K");
  }

  /** A keyframe whose only block has so many tokens. */
  private Keyframe large(int tokens) {
    CachedBlock block = new CachedBlock(0, -1, new int[tokens], new int[1][1], 35, 0);
    return new Keyframe(
        ++clock, -1, "m", 4, Map.of(), List.of(), false, List.of(), List.of(), List.of(block));
  }

  @Test
  void whatIsForgottenIsShownToNoPageThatOpensLater() throws Exception {
    Feed feed = new Feed(100, Long.MAX_VALUE, 1000);
    feed(feed, "VKeeKeeK");
    feed.forget();
    assertThat(read(feed, feed.ring().new Place())).containsExactly("0:0+0:V", "0:7+0:K");
    feed(feed, "ee");
    feed.drain();
    assertThat(read(feed, feed.ring().new Place())).containsExactly("0:0+0:V", "0:7+0:Kee");
  }

  @Test
  void aBugLosesEventsUpToTheNextKeyframeAndIsReported() throws Exception {
    List<Throwable> reported = new ArrayList<>();
    Thread.currentThread().setUncaughtExceptionHandler((thread, bug) -> reported.add(bug));
    try {
      Feed feed = new Feed(100, Long.MAX_VALUE, 1000);
      Ring.Place page = feed.ring().new Place();
      feed(feed, "Ke");
      feed.drain();
      feed.accept(new Event.Submitted(1, 0, 1, 1, 1, null)); // no engine says this
      feed.drain();
      feed(feed, "eeKe");
      feed.drain();
      assertThat(read(feed, page)).containsExactly("0:0+0:Ke", "0:3+1:Ke");
      assertThat(reported).singleElement().isInstanceOf(NullPointerException.class);
    } finally {
      Thread.currentThread().setUncaughtExceptionHandler(null);
    }
  }

  @Test
  void aMessageHasAtMostAThousandEvents() throws Exception {
    Feed feed = new Feed(10_000, Long.MAX_VALUE, 100_000);
    feed(feed, "K" + "e".repeat(2500));
    feed.drain();
    assertThat(read(feed, feed.ring().new Place()).stream().map(m -> m.split(":")[2].length()))
        .containsExactly(1000, 1000, 501);
  }

  @Test
  void aPageWaitsForEventsAndAClosedFeedEndsIt() throws Exception {
    Feed feed = new Feed();
    feed.accept(keyframe());
    Ring.Place page = feed.ring().new Place();
    assertThat(feed.ring().next(page, 60_000).orElseThrow().from()).isZero();
    CountDownLatch ended = new CountDownLatch(1);
    Thread waits =
        Thread.startVirtualThread(
            () -> {
              try {
                Optional<Ring.Message> last = feed.ring().next(page, 60_000);
                Optional<Ring.Message> none = feed.ring().next(page, 60_000);
                if (last.orElseThrow().from() == 1 && none.isEmpty()) {
                  ended.countDown();
                }
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    feed.accept(event());
    feed.close();
    waits.join();
    assertThat(ended.getCount()).isZero();
  }

  @Test
  void eventsBecomeJsonOnceForAllPages() throws Exception {
    Feed feed = new Feed(100, Long.MAX_VALUE, 1000);
    feed(feed, "Ke");
    feed.drain();
    Batch first = next(feed, feed.ring().new Place()).batches().getFirst();
    Batch second = next(feed, feed.ring().new Place()).batches().getFirst();
    assertThat(first.json()).isSameAs(second.json());
  }

  @Test
  void halfASurrogatePairDoesNotEndTheFeed() throws Exception {
    Feed feed = new Feed(100, Long.MAX_VALUE, 1000);
    feed.accept(keyframe());
    feed.accept(new Event.Rejected(1, "\ud83d"));
    feed.drain();
    assertThat(new String(next(feed, feed.ring().new Place()).batches().getFirst().json()))
        .endsWith("\"why\":\"?\"}");
  }
}

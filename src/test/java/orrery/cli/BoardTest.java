package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.events.Event;
import orrery.events.Event.Origin;

/** The demo's picture, of events made by hand. */
class BoardTest {
  private static final String GREEN = "\u001b[32m";
  private static final String YELLOW = "\u001b[33m";
  private static final String CYAN = "\u001b[36m";
  private static final String STRUCK = "\u001b[2;9;31m";
  private static final String RESET = "\u001b[0m";
  private static final String[] WORDS = {" zero", " one", " two", " three", "\nfour"};

  private int index;
  private int step;

  private static Board board(boolean colours, String... prompts) {
    return new Board(new Board.Show(List.of(prompts), id -> WORDS[id], true, new Colours(colours)));
  }

  private void start(Board board, int... requests) {
    for (int r : requests) {
      board.accept(new Event.Submitted(0, r, 3, 9, 1));
      board.accept(new Event.Admitted(0, r, r, 5, 0));
    }
  }

  private void token(Board board, int request, int token, Origin origin) {
    board.accept(new Event.TokenOut(0, request, request, index++, token, WORDS[token], origin));
  }

  private static void verified(Board board, int request, int accepted, int judged, int... drafts) {
    board.accept(new Event.Verified(0, request, request, drafts, judged, accepted, false));
  }

  private void end(Board board, int decodeRows, int draftRows) {
    int n = step++;
    board.accept(
        new Event.StepDone(
            0, n, 0, decodeRows, draftRows, 0, 1, 0, 9, 1, 0, "NONE_WAITS", 1, 1, 1, 1, 1, 1));
    board.accept(new Event.PageMap(0, 0, new int[] {0, Event.PageMap.IDLE, Event.PageMap.FREE}));
    assertThat(board.advance()).isTrue();
  }

  /** The line of request a. */
  private static String line(Board board) {
    return board.frame(16).lines().filter(l -> l.startsWith("a  ")).findFirst().orElseThrow();
  }

  @Test
  void tokensAreColouredByWhatBecameOfTheDrafts() {
    Board board = board(true, "Count:");
    start(board, 0);
    token(board, 0, 0, Origin.PLAIN);
    token(board, 0, 1, Origin.ACCEPTED);
    token(board, 0, 2, Origin.RECOVERED);
    token(board, 0, 3, Origin.BONUS);
    end(board, 1, 3);
    assertThat(line(board))
        .contains("running      4  ")
        .contains(
            "Count: zero"
                + (GREEN + " one" + RESET)
                + (YELLOW + " two" + RESET)
                + (CYAN + " three" + RESET)
                + "\u001b[K");
  }

  @Test
  void draftsOfTheLastVerificationThatWereThrownAwayStandStruckThroughBehindTheText() {
    Board board = board(true, "Count:");
    start(board, 0);
    token(board, 0, 1, Origin.ACCEPTED);
    token(board, 0, 0, Origin.RECOVERED);
    verified(board, 0, 1, 2, 1, 4, 2); // the third was never looked at
    end(board, 1, 3);
    assertThat(line(board)).contains(" zero" + RESET + STRUCK + " four two" + RESET);
    token(board, 0, 0, Origin.PLAIN); // a step without drafts
    end(board, 1, 0);
    assertThat(line(board)).doesNotContain(STRUCK).doesNotContain("four");
    token(board, 0, 0, Origin.RECOVERED);
    verified(board, 0, 0, 1, 3);
    board.accept(new Event.Finished(0, 0, 0, "length", 3, 4, ""));
    end(board, 1, 1);
    assertThat(line(board)).contains("length").doesNotContain(STRUCK);
  }

  @Test
  void whereEveryDraftWasAcceptedNothingIsStruckThrough() {
    Board board = board(true, "Count:");
    start(board, 0);
    token(board, 0, 1, Origin.ACCEPTED);
    token(board, 0, 2, Origin.BONUS);
    verified(board, 0, 1, 1, 1);
    end(board, 1, 1);
    assertThat(line(board)).doesNotContain(STRUCK);
  }

  @Test
  void withoutColoursRejectedDraftsAreMarkedAndNothingIsColoured() {
    Board board = board(false, "Count:");
    start(board, 0);
    token(board, 0, 1, Origin.RECOVERED);
    verified(board, 0, 0, 1, 2);
    end(board, 1, 1);
    assertThat(line(board)).contains("…Count: one~ two~");
    assertThat(board.frame(16)).doesNotContainPattern("\u001b\\[[0-9;]*m");
    assertThat(board.frame(16)).contains("answers: ~rejected drafts~").doesNotContain("bonus");
  }

  @Test
  void noColorCountsIfItSaysAnything() {
    assertThat(Colours.unless(null).on()).isTrue();
    assertThat(Colours.unless("").on()).isTrue();
    assertThat(Colours.unless("1").on()).isFalse();
  }

  @Test
  void noLineIsWiderThanATerminalHoweverLongItsTextIs() {
    Board board = board(true, "x".repeat(200));
    start(board, 0);
    for (int i = 0; i < 60; i++) {
      token(board, 0, i % 5, Origin.values()[i % 4]);
    }
    verified(board, 0, 0, 1, 1, 2, 3, 4, 1, 2, 3);
    end(board, 1, 7);
    List<Integer> widths = new ArrayList<>();
    for (String line : board.frame(16).split("\n")) {
      widths.add(line.replaceAll("\u001b\\[[0-9;]*[A-Za-z]", "").length());
    }
    assertThat(widths).allMatch(w -> w < 80).contains(20 + 46 + 12);
    assertThat(line(board)).contains(RESET + STRUCK + " one two thr" + RESET);
  }

  @Test
  void aLongTextsEndKeepsItsColoursThoughATokenIsCut() {
    Board board = board(true, "p".repeat(10));
    start(board, 0);
    for (int i = 0; i < 10; i++) {
      token(board, 0, 3, i % 2 == 0 ? Origin.ACCEPTED : Origin.BONUS);
    }
    end(board, 1, 0);
    // 46 characters: seven words of six, and the end of another
    assertThat(line(board))
        .contains("…" + RESET + GREEN + "hree" + RESET + CYAN + " three" + RESET)
        .doesNotContain("p" + RESET);
  }

  @Test
  void tokensAreCountedNotRows() {
    Board board = board(true, "a", "b");
    start(board, 0, 1);
    for (int i = 0; i < 7; i++) {
      token(board, i % 2, 1, Origin.ACCEPTED);
    }
    end(board, 2, 6);
    end(board, 2, 6);
    Board.Totals t = board.totals();
    assertThat(t.outputTokens()).isEqualTo(7);
    assertThat(t.rows()).isEqualTo(16);
    assertThat(t.hitTokens()).isEqualTo(10);
    assertThat(t.steps()).isEqualTo(2);
    assertThat(board.warmRate()).isZero(); // the second step gave no token
    assertThat(board.stepLines(5)).contains("  0 prompt +  2 decode +  6 draft rows");
  }
}

package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.jline.utils.AttributedString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
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
      board.accept(new Event.Submitted(0, r, 3, 9, 1, new int[0]));
      board.accept(new Event.Admitted(0, r, r, 5, 0));
    }
  }

  private void token(Board board, int request, int token, Origin origin) {
    text(board, request, token, WORDS[token], origin);
  }

  private void text(Board board, int request, int token, String text, Origin origin) {
    board.accept(
        new Event.TokenOut(
            0, request, request, index++, token, text, origin, Float.NaN, List.of()));
  }

  private static void verified(Board board, int request, int accepted, int judged, int... drafts) {
    board.accept(new Event.Verified(0, request, request, drafts, judged, accepted, false));
  }

  private static void finished(Board board, int request) {
    board.accept(new Event.Finished(0, request, request, "stop", 3, 4, ""));
  }

  private void end(Board board, int decodeRows, int draftRows) {
    end(board, decodeRows, draftRows, 0, 3);
  }

  private void end(Board board, int decodeRows, int draftRows, int paddingRows, int pages) {
    int n = step++;
    int[] holders = new int[pages + 1];
    holders[1] = Event.PageMap.IDLE;
    holders[pages] = Event.PageMap.FREE;
    board.accept(new Event.PageMap(0, "all", holders));
    board.accept(
        new Event.StepDone(
            0,
            n,
            0,
            decodeRows,
            draftRows,
            paddingRows,
            1,
            0,
            List.of(new Event.PoolPages("all", 16, 9, 1, 0, 0)),
            "NONE_WAITS",
            1,
            1,
            1,
            1,
            1,
            1));
    assertThat(board.advance()).isTrue();
  }

  private static List<String> lines(Board board, int columns, int rows) {
    return new BoardFrame(board, 16, rows, columns).lines();
  }

  /** The line of request a. */
  private static String line(Board board) {
    return lines(board, 80, 24).stream().filter(l -> l.startsWith("a  ")).findFirst().orElseThrow();
  }

  private static int width(String line) {
    return AttributedString.fromAnsi(line).columnLength();
  }

  @Test
  void tokensAreColouredByTheirOrigin() {
    Board board = board(true, "Count:");
    start(board, 0);
    token(board, 0, 0, Origin.PLAIN);
    token(board, 0, 1, Origin.ACCEPTED);
    token(board, 0, 2, Origin.RECOVERED);
    token(board, 0, 3, Origin.BONUS);
    end(board, 1, 3);
    assertThat(line(board))
        .contains("running      4   Count: zero")
        .endsWith(
            "Count: zero"
                + (GREEN + " one" + RESET)
                + (YELLOW + " two" + RESET)
                + (CYAN + " three" + RESET));
  }

  @Test
  void rejectedDraftsOfTheLastVerificationStandStruckThroughBehindTheText() {
    Board board = board(true, "Count:");
    start(board, 0);
    token(board, 0, 1, Origin.ACCEPTED);
    token(board, 0, 0, Origin.RECOVERED);
    verified(board, 0, 1, 2, 1, 4, 2); // the third was never judged
    end(board, 1, 3);
    assertThat(line(board)).contains(" zero" + RESET + STRUCK + " four two" + RESET);
    token(board, 0, 0, Origin.PLAIN); // a step without drafts
    end(board, 1, 0);
    assertThat(line(board)).doesNotContain(STRUCK).doesNotContain("four");
    token(board, 0, 0, Origin.RECOVERED);
    verified(board, 0, 0, 1, 3);
    finished(board, 0);
    end(board, 1, 1);
    assertThat(line(board)).contains("stop").doesNotContain(STRUCK);
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
    assertThat(line(board)).endsWith(" Count: one~ two~");
    String all = String.join("\n", lines(board, 80, 24));
    assertThat(all).doesNotContain("\u001b").contains("answers: ~rejected drafts~");
    assertThat(all).doesNotContain("bonus");
  }

  @Test
  void noColorCountsUnlessItIsEmpty() {
    assertThat(Colours.unless(null).on()).isTrue();
    assertThat(Colours.unless("").on()).isTrue();
    assertThat(Colours.unless("1").on()).isFalse();
  }

  @Test
  void aLongTextShowsItsEndBehindDotsAndACutTokenKeepsItsColour() {
    Board board = board(true, "p".repeat(10));
    start(board, 0);
    for (int i = 0; i < 10; i++) {
      token(board, 0, 3, i % 2 == 0 ? Origin.ACCEPTED : Origin.BONUS);
    }
    end(board, 1, 0);
    // 80 columns: 20 for the state, 12 for drafts, 48 for the text: eight words of six letters
    assertThat(line(board)).contains("…").doesNotContain("p" + RESET);
    assertThat(AttributedString.fromAnsi(line(board)).toString())
        .endsWith("…" + " three".repeat(8));
    assertThat(line(board)).endsWith(CYAN + " three" + RESET);
  }

  /** Requests of every state, texts of every width, on terminals of every size. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aPictureFitsItsTerminalHoweverSmall(boolean colours) {
    String[] prompts = {
      "x".repeat(200),
      "猫".repeat(60),
      "👩‍👩‍👧‍👦 family ".repeat(9),
      "e\u0301".repeat(99),
      "\t\u001b[2J\r\b\u202E!",
      ""
    };
    Board board = board(colours, prompts);
    start(board, 0, 1, 2, 3, 4, 5);
    for (int i = 0; i < 60; i++) {
      text(
          board,
          i % 6,
          0,
          List.of("犬", " dog", "🐕", "\r\n", "ü").get(i % 5),
          Origin.values()[i % 4]);
    }
    verified(board, 0, 0, 1, 1, 2, 3, 4, 1, 2, 3);
    finished(board, 5);
    end(board, 6, 30, 2, 700);
    for (int rows = 1; rows <= 30; rows++) {
      for (int columns = 1; columns <= 130; columns += columns < 50 ? 1 : 5) {
        List<String> lines = lines(board, columns, rows);
        assertThat(lines).as("%dx%d", columns, rows).hasSizeBetween(1, rows);
        for (String line : lines) {
          assertThat(width(line)).as("%dx%d %s", columns, rows, line).isLessThanOrEqualTo(columns);
          assertThat(line.replaceAll("\u001b\\[[0-9;]*m", "")).doesNotContainPattern("\\p{Cc}");
        }
      }
    }
  }

  @Test
  void runningRequestsAreShownFirstIfNotAllFit() {
    String[] prompts = "one two three four five six seven eight nine ten eleven twelve".split(" ");
    Board board = board(false, prompts);
    start(board, 0, 1, 2, 3, 4, 5, 6, 7);
    for (int r = 8; r < 12; r++) {
      board.accept(new Event.Submitted(0, r, 3, 9, 1, new int[0]));
    }
    for (int r : new int[] {0, 1, 2, 3, 4}) {
      finished(board, r);
    }
    end(board, 3, 0);
    assertThat(lines(board, 80, 24).stream().filter(l -> l.matches("[a-l]  .*"))).hasSize(12);
    List<String> few = lines(board, 40, 10);
    assertThat(few.stream().filter(l -> l.matches("[a-l] .*")).map(l -> l.charAt(0)))
        .containsExactly('f', 'g', 'h', 'i');
    assertThat(few).contains("and 3 waiting, 5 ended").hasSize(10);
  }

  @Test
  void theHeadingSaysIfOnlyTheFirstPagesAreShown() {
    Board board = board(false, "a");
    start(board, 0);
    end(board, 1, 0, 0, 700);
    assertThat(lines(board, 80, 24).getFirst()).startsWith("the first 512 KV pages of 16 tokens");
    assertThat(lines(board, 80, 5).getFirst()).startsWith("the first 64 KV pages of 16 tokens");
    board = board(false, "a");
    start(board, 0);
    end(board, 1, 0, 0, 60);
    assertThat(lines(board, 80, 24).getFirst())
        .startsWith("KV pages of 16 tokens, a: of request a");
  }

  @Test
  void paddingRowsAreShownOnceThereWereSome() {
    Board board = board(false, "a");
    start(board, 0);
    end(board, 4, 0);
    assertThat(board.stepLines(9)).contains("0 prompt +  4 decode +  0 draft rows");
    end(board, 1, 0, 3, 2);
    assertThat(board.stepLines(9)).contains("0 prompt +  1 decode +  0 draft +  3 padding rows");
    assertThat(String.join(" ", lines(board, 40, 24))).contains("3 padding rows");
    assertThat(board.totals().paddingRows()).isEqualTo(3);
    assertThat(board.totals().rows()).isEqualTo(8);
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

  @Test
  void aLineThatIsTooLongForATerminalIsCutBetweenItsWords() {
    assertThat(Columns.wrap("a step of 17.9 rows on average", 16))
        .containsExactly("a step of 17.9", "rows on average");
    assertThat(Columns.wrap("drafts 92: 61 %", 15)).containsExactly("drafts 92: 61 %");
    assertThat(Columns.wrap("", 15)).containsExactly("");
  }

  private static void end(Board board, Event.PoolPages... pools) {
    int[] holders = {0, 0, Event.PageMap.IDLE, Event.PageMap.FREE};
    for (Event.PoolPages p : pools) {
      board.accept(new Event.PageMap(0, p.pool(), holders));
    }
    board.accept(
        new Event.StepDone(
            0, 1, 0, 1, 0, 0, 1, 0, List.of(pools), "NOTHING_WAITS", 1, 1, 1, 1, 1, 1));
    assertThat(board.advance()).isTrue();
  }

  @Test
  void ofSeveralPoolsEachHasItsNameItsCountsAndItsPages() {
    Board board = board(false, "Count:");
    start(board, 0);
    end(
        board,
        new Event.PoolPages("all", 256, 1, 2, 1, 0),
        new Event.PoolPages("window 128", 16, 1, 2, 1, 3));
    List<String> lines = lines(board, 80, 24);
    assertThat(lines.getFirst()).startsWith("KV pages, a: of request a");
    assertThat(lines)
        .containsSequence(
            "all, pages of 256 tokens: 2 held, 1 cached, 1 free", "aa·" + " ".repeat(61))
        .containsSequence(
            "window 128, pages of 16 tokens: 2 held, 1 cached, 1 free, 3 passed",
            "aa·" + " ".repeat(61));
    assertThat(board.stepLines(1))
        .endsWith(
            "; pages of all: 2 held, 1 cached, 1 free; window 128: 2 held, 1 cached, 1 free,"
                + " 3 passed\n");
    for (int rows = 1; rows <= 24; rows++) {
      assertThat(lines(board, 80, rows)).hasSizeLessThanOrEqualTo(rows);
    }
  }
}

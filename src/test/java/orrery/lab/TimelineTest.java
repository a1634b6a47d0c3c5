package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** A trace, read and drawn. */
class TimelineTest {
  private static final String TRACE =
      """
      {"event":"Submitted","nanos":1000,"request":0,"promptTokens":2,"maxTokens":9,"choices":1}
      {"event":"Submitted","nanos":1000,"request":1,"promptTokens":2,"maxTokens":9,"choices":2}
      {"event":"Admitted","nanos":2000,"request":0,"sequence":0,"hit":0,"retractions":0}
      {"event":"TokenOut","nanos":3000,"request":0,"sequence":0,"index":0,"token":4,"text":"<&>"}
      {"event":"StepDone","nanos":3100,"step":0,"prefillRows":2,"decodeRows":0,"paddingRows":0,\
      "running":1,"waiting":1,"pools":[{"pool":"all","span":16,"free":6,"referenced":1,"idle":1,"passed":0}],"stop":"NO_PAGES",\
      "planNanos":60,"draftNanos":40,"launchNanos":900,"judgeNanos":100,"followNanos":70,"commitNanos":30}
      {"event":"Retracted","nanos":4000,"request":0,"sequence":0,"lost":3}
      {"event":"Admitted","nanos":5000,"request":0,"sequence":0,"hit":0,"retractions":1}
      {"event":"Finished","nanos":6000,"request":0,"sequence":0,"reason":"stop","promptTokens":2,\
      "outputTokens":1}
      {"event":"TokenOut","nanos":6500,"request":1,"sequence":1,"index":0,"token":4,"text":""}
      {"event":"TokenOut","nanos":7000,"request":1,"sequence":2,"index":0,"token":4,"text":""}
      """;

  private static final Consumer<String> WHOLE =
      remark -> {
        throw new AssertionError(remark);
      };

  @TempDir Path directory;

  private Path write(String trace) throws IOException {
    return Files.writeString(directory.resolve("trace.jsonl"), trace);
  }

  @Test
  void spansReachFromEventToEventAndToTheEndOfTheTrace() throws IOException {
    Timeline run = Timeline.read(write(TRACE), WHOLE);
    assertThat(run.lanes())
        .extracting(Timeline.Lane::name)
        .containsExactly("request 0", "request 1", "request 1 again");
    assertThat(run.lanes().getFirst().spans())
        .containsExactly(
            new Timeline.Span("waiting", 1000, 2000),
            new Timeline.Span("prefill", 2000, 3000),
            new Timeline.Span("decode", 3000, 4000),
            new Timeline.Span("retracted", 4000, 5000),
            new Timeline.Span("prefill", 5000, 6000));
    assertThat(run.lanes().get(1).spans())
        .containsExactly(new Timeline.Span("waiting", 1000, 7000));
    assertThat(run.lanes().getFirst().tokens()).containsExactly(3000L);
    assertThat(run.steps()).containsExactly(new Timeline.StepAt(1900, 3100, 2, 1, 1, 6));
    assertThat(run.end()).isEqualTo(7000);
  }

  @Test
  void thePictureIsXmlWithALaneForEachSequence() throws Exception {
    String svg = TimelineSvg.draw(write(TRACE), WHOLE);
    Document read =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(svg)));
    List<String> classes = new java.util.ArrayList<>();
    var bars = read.getElementsByTagName("rect");
    for (int i = 0; i < bars.getLength(); i++) {
      classes.add(bars.item(i).getAttributes().getNamedItem("class").getNodeValue());
    }
    // each also once in the legend, prefill twice: also for the step with prompt rows
    assertThat(classes).filteredOn("waiting"::equals).hasSize(1 + 3);
    assertThat(classes).filteredOn("prefill"::equals).hasSize(2 + 2 + 1);
    assertThat(classes).filteredOn("retracted"::equals).hasSize(1 + 1);
    assertThat(svg).doesNotContain("NaN").doesNotContain("Infinity");
  }

  @Test
  void theTitleSaysWhichRequestGaveUpItsPagesOrHowLongTheRunWas() throws IOException {
    assertThat(title(TRACE)).isEqualTo("The pages run out: request 0 gives its pages back");
    String ample = TRACE.replaceAll("(?m)^.*Retracted.*\n.*\n", "");
    assertThat(title(ample)).isEqualTo("3 answers in 1 step");
  }

  private String title(String trace) throws IOException {
    return TimelineSvg.draw(write(trace), WHOLE).replaceAll("(?s).*<title>(.*)</title>.*", "$1");
  }

  @Test
  void noColourOfThePictureMeansTwoThings() throws IOException {
    String svg = TimelineSvg.draw(write(TRACE), WHOLE);
    List<String> fills = new ArrayList<>();
    Matcher fill = Pattern.compile("\\.(\\w+) \\{ fill: (#\\w+) }").matcher(svg.split("@media")[0]);
    while (fill.find()) {
      fills.add(fill.group(2));
    }
    assertThat(fills).hasSizeGreaterThan(9).doesNotHaveDuplicates();
  }

  @Test
  void anEmptyTraceIsAnEmptyPicture() throws IOException {
    assertThat(TimelineSvg.draw(write(""), WHOLE)).endsWith("</svg>\n").doesNotContain("NaN");
  }

  @Test
  void aTraceThatIsCutAnywhereIsDrawnUpToThere() throws IOException {
    byte[] whole = TRACE.getBytes(StandardCharsets.UTF_8);
    int first = TRACE.indexOf('\n');
    for (int cut = first + 1; cut < whole.length; cut++) {
      Path file = Files.write(directory.resolve("cut.jsonl"), Arrays.copyOf(whole, cut));
      List<String> remarks = new ArrayList<>();
      assertThat(Timeline.read(file, remarks::add).lanes()).isNotEmpty();
      boolean torn = whole[cut - 1] != '\n' && whole[cut] != '\n';
      assertThat(remarks)
          .as("cut at %d", cut)
          .isEqualTo(
              torn ? List.of(file + ": the last line is cut short, and left out") : List.of());
    }
    Path one = Files.write(directory.resolve("one.jsonl"), Arrays.copyOf(whole, first + 1));
    assertThat(TimelineSvg.draw(one, WHOLE)).contains("request 0").endsWith("</svg>\n");
    Path nothing = Files.write(directory.resolve("cut.jsonl"), Arrays.copyOf(whole, first - 1));
    assertThatThrownBy(() -> TimelineSvg.draw(nothing, WHOLE)).hasMessageContaining("line 1");
  }

  @Test
  void aFileThatIsNoTraceIsRefusedWithFileAndLine() throws IOException {
    for (String bad :
        new String[] {"no json", "[]", "{}", "{\"event\":\"TokenOut\",\"nanos\":1}"}) {
      Path file = write("{\"event\":\"Other\",\"nanos\":1}\n" + bad + "\n");
      assertThatThrownBy(() -> TimelineSvg.draw(file, WHOLE))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file + ": line 2: expected an event as JSON");
    }
    assertThatThrownBy(() -> TimelineSvg.draw(directory.resolve("none.jsonl"), WHOLE))
        .hasMessageContaining("none.jsonl: no such file");
  }
}

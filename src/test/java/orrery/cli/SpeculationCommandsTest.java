package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

/** Speculation as a user meets it: same text, figures of the drafts, labels of experiments. */
class SpeculationCommandsTest {
  private static final String STORYTELLER = "tiny-models/storyteller-moe";
  private static final String NOTE = "SYNTHETIC acceptance, the text is not the model's: ";
  private static final Pattern DRAFTS =
      Pattern.compile(
          "drafts +(\\d+) in (\\d+) verifications: accepted (\\S+ % / )*\\S+ % at positions? [123"
              + " /]+");
  private static final Pattern LENGTHS =
      Pattern.compile(
          " +acceptance length (\\d\\.\\d\\d), (\\d\\.\\d\\d) steps of the main model a token,"
              + " (\\d\\.\\d\\d) rows a token");

  @TempDir Path directory;

  private record Run(int code, String out, String err) {}

  private static Run run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(new PrintWriter(out), new PrintWriter(err), args);
    assertThat(code).as(err.toString()).isZero();
    return new Run(code, out.toString(), err.toString());
  }

  private static Run generate(String[] request, String... flags) {
    List<String> all = new ArrayList<>(List.of("generate", "-m", STORYTELLER));
    all.addAll(Arrays.asList(request));
    all.addAll(Arrays.asList(flags));
    return run(all.toArray(String[]::new));
  }

  private static String[] speculative(String algorithm, String... more) {
    List<String> flags = new ArrayList<>(List.of("--speculative-algorithm", algorithm));
    flags.addAll(Arrays.asList(more));
    return flags.toArray(String[]::new);
  }

  /** The two lines of figures. */
  private static List<String> figures(String text) {
    return text.lines().filter(l -> l.contains("drafts ") || l.contains("acceptance len")).toList();
  }

  @Test
  void theTextIsTheSameWithEveryDrafter() {
    String start = "Once upon a time there was a";
    String[][] requests = {
      {"-p", start, "-n", "60", "--temperature", "0"},
      {"-p", start, "-n", "60", "--temperature", "0.8", "--top-p", "0.95", "--seed", "7"},
      {"-p", "copy: red sun map cup red sun =>", "-n", "20", "--temperature", "0"},
    };
    for (String[] request : requests) {
      Run plain = generate(request);
      assertThat(figures(plain.err())).isEmpty();
      for (String algorithm : new String[] {"off", "mtp", "ngram"}) {
        Run run = generate(request, speculative(algorithm, "--speculative-ngram-min", "1"));
        assertThat(run.out()).as(algorithm).isEqualTo(plain.out());
        assertThat(figures(run.err())).as(run.err()).hasSize(algorithm.equals("off") ? 0 : 2);
        assertThat(run.err()).doesNotContain("SYNTHETIC");
      }
    }
  }

  @Test
  void theFiguresOfTheDraftsAgreeWithEachOther() {
    String[] request = {"-p", "Once upon a time there was a", "-n", "61", "--temperature", "0"};
    List<String> lines = figures(generate(request, speculative("mtp")).err());
    Matcher drafts = DRAFTS.matcher(lines.get(0));
    Matcher lengths = LENGTHS.matcher(lines.get(1));
    assertThat(drafts.matches()).as(lines.get(0)).isTrue();
    assertThat(lengths.matches()).as(lines.get(1)).isTrue();
    int verifications = Integer.parseInt(drafts.group(2));
    assertThat(Integer.parseInt(drafts.group(1))).isBetween(verifications, 3 * verifications);
    double length = Double.parseDouble(lengths.group(1));
    // The prompt gives the first of 61 tokens, verifications the others.
    assertThat(verifications * length).isBetween(60 - 0.5, 60 + 0.5);
    assertThat(Double.parseDouble(lengths.group(2)))
        .isBetween(verifications / 60.0 - 0.006, verifications / 60.0 + 0.006);
    assertThat(length).isGreaterThan(2);
  }

  @Test
  void ifNoDraftIsMadeTheFiguresSaySo() {
    String[] ids = {"generate", "-m", STORYTELLER, "--ids", "5,6,7", "-n", "1"};
    List<String> all = new ArrayList<>(Arrays.asList(ids));
    all.addAll(List.of(speculative("ngram")));
    assertThat(run(all.toArray(String[]::new)).err()).contains("drafts   none were made");
  }

  @Test
  void aSyntheticRunIsLabelledOnEveryLineAboutIt() {
    String[] request = {"-p", "Once upon a time there was a", "-n", "40", "--temperature", "0"};
    Run plain = generate(request);
    Run run =
        generate(
            request,
            speculative(
                "mtp",
                "--speculative-num-steps",
                "2",
                "--speculative-synthetic-accept-length",
                "1.5"));
    assertThat(run.out()).isNotEqualTo(plain.out());
    assertThat(figures(run.err())).hasSize(2).allMatch(l -> l.startsWith(NOTE));
    Run off = generate(request, speculative("off", "--speculative-synthetic-accept-length", "2"));
    assertThat(off.out()).isEqualTo(plain.out());
    assertThat(off.err()).doesNotContain("SYNTHETIC");
  }

  private String[] batch(String... flags) throws IOException {
    Path in = Files.write(directory.resolve("in.jsonl"), Files.readAllBytes(batchFile()));
    List<String> all =
        new ArrayList<>(
            List.of("run-batch", "-m", STORYTELLER, "-i", in.toString(), "-o", out().toString()));
    all.addAll(Arrays.asList(flags));
    return all.toArray(String[]::new);
  }

  private Path out() {
    return directory.resolve("out.jsonl");
  }

  private static Path batchFile() {
    return Path.of("docs/examples/batch.jsonl");
  }

  @Test
  void aBatchTellsWhatBecameOfItsDrafts() throws IOException {
    Run run = run(batch(speculative("mtp", "--speculative-num-steps", "3")));
    List<String> lines = figures(run.err());
    assertThat(DRAFTS.matcher(lines.get(0)).matches()).as(lines.get(0)).isTrue();
    assertThat(LENGTHS.matcher(lines.get(1)).matches()).as(lines.get(1)).isTrue();
    assertThat(figures(run(batch()).err())).isEmpty();
    assertThat(Files.readString(out())).doesNotContain("synthetic");
  }

  @Test
  void everyLineOfASyntheticBatchIsLabelled() throws IOException {
    Run run = run(batch(speculative("mtp", "--speculative-synthetic-accept-length", "3")));
    assertThat(figures(run.err())).hasSize(2).allMatch(l -> l.startsWith(NOTE));
    List<String> lines = Files.readAllLines(out());
    assertThat(lines).hasSize(7);
    for (String line : lines) {
      JsonNode body = new ObjectMapper().readTree(line).at("/response/body");
      assertThat(body.get("synthetic_acceptance").asBoolean()).as(line).isTrue();
    }
  }

  @Test
  void theDemoDraftsByItselfAndSaysWhatItSaved() {
    Run run = run("demo", "--plain", "-m", STORYTELLER);
    assertThat(run.out()).doesNotContain("\u001b");
    assertThat(run.out())
        .contains("Drafts: up to 3 a step, by the MTP layer")
        .containsPattern("step +\\d+ \\| +0 prompt \\+ +4 decode \\+ 12 draft rows \\|")
        .containsPattern("With drafts by the MTP layer, an answer took a step of the main model");
    List<String> lines = figures(run.out()).stream().filter(l -> !l.contains("With")).toList();
    assertThat(DRAFTS.matcher(lines.get(0)).matches()).as(lines.get(0)).isTrue();
    assertThat(LENGTHS.matcher(lines.get(1)).matches()).as(lines.get(1)).isTrue();
  }

  @Test
  void theDemoShowsTheSameTextsWithoutDraftsInMoreSteps() {
    Run drafted = run("demo", "--plain", "-m", STORYTELLER);
    Run plain = run("demo", "--plain", "-m", STORYTELLER, "--speculative-algorithm", "off");
    assertThat(texts(plain)).isEqualTo(texts(drafted)).contains("A spider has eight legs.");
    assertThat(plain.out()).doesNotContain("draft").doesNotContain("acceptance");
    long[] without = counts(plain);
    long[] with = counts(drafted);
    assertThat(with[1]).as("answer tokens").isEqualTo(without[1]);
    assertThat(with[0]).as("steps").isLessThan(without[0] / 2);
  }

  private static String texts(Run demo) {
    String out = demo.out();
    return out.substring(out.indexOf("──"), out.indexOf("The steps,"));
  }

  /** Steps and answer tokens, of the summary. */
  private static long[] counts(Run demo) {
    Matcher m = Pattern.compile("in (\\d+) steps.* (\\d+) answer tokens").matcher(demo.out());
    assertThat(m.find()).isTrue();
    return new long[] {Long.parseLong(m.group(1)), Long.parseLong(m.group(2))};
  }

  @Test
  void aSyntheticDemoIsLabelledWhereverItsTextStands() {
    Run run =
        run(
            "demo",
            "--plain",
            "-m",
            STORYTELLER,
            "--speculative-synthetic-accept-length",
            "2",
            "--speculative-num-steps",
            "2");
    assertThat(run.out()).contains(NOTE + "an experiment.");
    assertThat(run.out().lines().filter(l -> l.startsWith("── ")))
        .hasSize(12)
        .allMatch(l -> l.startsWith("── " + NOTE));
    assertThat(figures(run.out())).allMatch(l -> l.startsWith(NOTE));
  }

  @Test
  void mtpIsRefusedForAModelWithoutAnMtpLayer() {
    String speck = TinyModels.speck("bias").toString();
    StringWriter err = new StringWriter();
    String[] args = {"generate", "-m", speck, "--ids", "1", "--speculative-algorithm", "mtp"};
    assertThat(Main.run(new PrintWriter(err), new PrintWriter(err), args)).isEqualTo(2);
    assertThat(err.toString())
        .startsWith(
            "orrery generate: --speculative-algorithm: expected ngram or off, since the model has"
                + " no MTP layer, found mtp")
        .doesNotContain("\tat ");
    assertThat(err.toString().lines()).hasSize(2);
  }
}

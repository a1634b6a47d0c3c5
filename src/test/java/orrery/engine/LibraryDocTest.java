package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static orrery.speculation.SpeculationOptions.Algorithm.MTP;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.observe.SpeculationStats;
import orrery.sampling.SamplingParams;

/** docs/library.md, compiled and run as it stands. */
class LibraryDocTest {
  private static final Path PAGE = Path.of("docs/library.md");
  private static final Pattern PROGRAM =
      Pattern.compile("```java\n(.*?)```\n\nprints.*?\n```\n(.*?)```", Pattern.DOTALL);
  private static final Pattern CLASS = Pattern.compile("public class (\\w+)");
  private static final Pattern FLAG = Pattern.compile("`(--[a-z-]+=\\S+)`");

  @TempDir Path directory;

  /** A program of the page, and the output that the page promises. */
  private record Program(String name, String source, String output) {}

  private static List<Program> programs(String page) {
    List<Program> programs = new ArrayList<>();
    for (MatchResult found : PROGRAM.matcher(page).results().toList()) {
      Matcher name = CLASS.matcher(found.group(1));
      assertThat(name.find()).as("a class in " + found.group(1)).isTrue();
      programs.add(new Program(name.group(1), found.group(1), found.group(2)));
    }
    return programs;
  }

  @Test
  void everyProgramOfThePageCompilesAndPrintsWhatThePageSays() throws Exception {
    String page = Files.readString(PAGE);
    List<String> flags = FLAG.matcher(page).results().map(m -> m.group(1)).distinct().toList();
    assertThat(flags).hasSize(2);
    List<Program> programs = programs(page);
    assertThat(programs).extracting(Program::name).containsExactly("Hello", "Tour");
    assertThat(page.split("```java\n")).as("no block that is not run").hasSize(3);
    for (Program p : programs) {
      compile(p);
      String classPath =
          directory + System.getProperty("path.separator") + System.getProperty("java.class.path");
      Process process = ForkedProgram.start(flags, classPath, p.name());
      String output = ForkedProgram.output(process);
      assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).as(output).isZero();
      assertThat(withoutTheJvmsLines(output)).as(p.name()).isEqualTo(p.output());
    }
  }

  private void compile(Program p) throws IOException {
    Path file = Files.writeString(directory.resolve(p.name() + ".java"), p.source());
    var compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    try (var files = compiler.getStandardFileManager(null, null, null)) {
      List<String> options =
          List.of(
              "-d",
              directory.toString(),
              "-Xlint:all,-processing,-options",
              "-proc:none",
              "-cp",
              System.getProperty("java.class.path"));
      boolean compiled =
          compiler
              .getTask(messages, files, null, options, null, files.getJavaFileObjects(file))
              .call();
      assertThat(messages.toString()).as("what javac says of " + p.name()).isEmpty();
      assertThat(compiled).isTrue();
    }
  }

  private static String withoutTheJvmsLines(String output) {
    return Pattern.compile("^WARNING: .*\n", Pattern.MULTILINE).matcher(output).replaceAll("");
  }

  @Test
  void thePageHasTheCoordinatesOfThisBuild() throws IOException {
    Matcher pom =
        Pattern.compile(
                "<groupId>(.*?)</groupId>\\s*<artifactId>(.*?)</artifactId>\\s*<version>(.*?)<")
            .matcher(Files.readString(Path.of("pom.xml")));
    assertThat(pom.find()).isTrue();
    assertThat(Files.readString(PAGE))
        .contains(
            "  <groupId>" + pom.group(1) + "</groupId>",
            "  <artifactId>" + pom.group(2) + "</artifactId>",
            "  <version>" + pom.group(3) + "</version>");
  }

  /** The row about drafts in the page's table. */
  @Test
  void draftsChangeNoAnswerAndSaveSteps() {
    SpeculationStats stats = new SpeculationStats();
    EngineOptions options =
        EngineOptions.defaults().withSpeculation(s -> s.withAlgorithm(MTP).withNumSteps(3));
    try (LoadedModel model = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
        Engine engine = Engine.start(model, options, stats)) {
      int[] prompt = model.requireTokenizer().encode("copy: red sun map cup =>");
      SamplingParams params = SamplingParams.defaults().withTemperature(0).withMaxTokens(40);
      assertThat(engine.submit(Request.of(prompt, params)).join().getFirst().text())
          .isEqualTo(" red sun map cup\n");
    }
    assertThat(stats.targetSteps()).isLessThan(stats.tokens());
    assertThat(stats.accepted()).isPositive();
  }
}

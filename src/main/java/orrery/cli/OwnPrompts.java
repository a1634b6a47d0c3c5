package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import orrery.sampling.SamplingParams;
import orrery.xray.DemoPrompts.Prompt;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prompts that a user gives the demo, any number of them. */
final class OwnPrompts {
  @Parameters(
      arity = "0..*",
      paramLabel = "PROMPT",
      description = "Texts to continue, instead of the dozen")
  private List<String> texts = List.of();

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      description = "The same; may be repeated")
  private List<String> prompts = List.of();

  @Option(
      names = "--prompt-file",
      paramLabel = "FILE",
      description =
          "The same, from a file in UTF-8, without the line ends after it; - is standard input."
              + " May be repeated")
  private List<Path> files = List.of();

  @Option(
      names = {"-c", "--chat"},
      paramLabel = "TEXT",
      description = "A user's message, put into the model's chat format; may be repeated")
  private List<String> chats = List.of();

  /** Tells what files this is about. */
  CommandFiles from(CommandFiles all) {
    files.forEach(file -> all.reads("--prompt-file", Dash.orElse(file, "/dev/stdin")));
    return all;
  }

  /**
   * All prompts that the user gave, maybe none.
   *
   * @throws IOException naming the file, if one cannot be read
   */
  List<Prompt> read(SamplingParams params) throws IOException {
    List<String> all = new ArrayList<>(texts);
    all.addAll(prompts);
    for (Path file : files) {
      all.add(PromptFile.read(file));
    }
    List<Prompt> own = new ArrayList<>();
    all.forEach(text -> own.add(Prompt.text("prompt", text, params)));
    chats.forEach(text -> own.add(Prompt.chat("chat", List.of(), text, params)));
    return own;
  }
}

package orrery.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import orrery.files.OutputFile;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * All files that a command reads and writes. They are checked before any is opened, so that no
 * output destroys another file of the command. A link or hard link counts as the file that it leads
 * to.
 *
 * <pre>
 *   new CommandFiles(line).model("--model", dir).reads("-i", in).writes("-o", out).check();
 * </pre>
 *
 * <p>Devices and pipes may be used twice, since they hold nothing that could be lost.
 */
final class CommandFiles {
  private static final List<Path> STANDARD =
      List.of(Path.of("/dev/stdout"), Path.of("/dev/stderr"));

  private final CommandLine line;
  private final List<Input> inputs = new ArrayList<>();
  private final List<Path> models = new ArrayList<>();
  private final List<Output> outputs = new ArrayList<>();

  private record Input(String what, Path file) {}

  /**
   * A file to be written.
   *
   * @param flag its option
   * @param what the name in messages: the option, or the part file of the option
   */
  private record Output(String flag, String what, Path file, boolean replaced) {}

  CommandFiles(CommandLine line) {
    this.line = line;
  }

  /** A file that is read; null if the option is not given. */
  CommandFiles reads(String flag, Path file) {
    if (file != null) {
      inputs.add(new Input(flag, file));
    }
    return this;
  }

  /** A model's directory, of which all files are read; null if the option is not given. */
  CommandFiles model(Path directory) {
    if (directory != null) {
      models.add(directory);
    }
    return this;
  }

  /** A file that is replaced in one step; null if the option is not given. */
  CommandFiles writes(String flag, Path file) {
    return file == null ? this : output(new Output(flag, flag, file, true));
  }

  /** A file that is written as its content comes; null if the option is not given. */
  CommandFiles grows(String flag, Path file) {
    return file == null ? this : output(new Output(flag, flag, file, false));
  }

  /** A file that grows as {@code FILE.part} and is then moved to its name. */
  CommandFiles growsInPart(String flag, Path file) throws IOException {
    writes(flag, file);
    OutputFile leads = explained(outputs.getLast());
    return leads.isStream()
        ? this
        : output(new Output(flag, flag + "'s FILE.part", leads.part(), false));
  }

  private CommandFiles output(Output output) {
    outputs.add(output);
    return this;
  }

  /**
   * Checks all files; opens and changes none.
   *
   * @throws ParameterException if the command would write a file that it also reads, or write a
   *     file twice
   * @throws IOException naming option and path, if a file cannot be written
   */
  void check() throws IOException {
    for (int i = 0; i < outputs.size(); i++) {
      Output out = outputs.get(i);
      OutputFile leads = explained(out);
      for (Input in : inputs) {
        refuseIf(sameFile(out.file(), in.file()), out, in.what());
      }
      for (Path model : models) {
        refuseModelFiles(out, leads, model);
      }
      for (Output other : outputs.subList(0, i)) {
        refuseIf(same(leads, explained(other)), out, other.what());
      }
      for (Path standard : leads.isDescriptor() ? List.<Path>of() : STANDARD) {
        refuseIf(sameFile(out.file(), standard), out, standard.toString());
      }
    }
  }

  private static OutputFile explained(Output out) throws IOException {
    try {
      OutputFile leads = OutputFile.of(out.file());
      return out.replaced() ? leads.replaceable() : leads;
    } catch (IOException e) {
      throw new IOException(out.flag() + ": " + e.getMessage(), e);
    }
  }

  private void refuseIf(boolean same, Output out, String other) {
    if (same) {
      throw refusal(out, "another file than " + other);
    }
  }

  private ParameterException refusal(Output out, String expected) {
    return new ParameterException(
        line, out.what() + ": expected " + expected + ", found " + out.file());
  }

  /** Refuses an output in the directory of the model: it would be read as a part of the model. */
  private void refuseModelFiles(Output out, OutputFile leads, Path model) throws IOException {
    if (leads.isStream() || !Files.isDirectory(model)) {
      return; // loading says what is wrong with it
    }
    if (Files.isSameFile(leads.target().getParent(), model)) {
      throw refusal(out, "a file outside of the model's directory");
    }
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        refuseIf(sameFile(out.file(), file), out, "the model's " + file.getFileName());
      }
    }
  }

  /** Whether two outputs end in the same file, which need not be there yet. */
  private static boolean same(OutputFile a, OutputFile b) throws IOException {
    return a.target().equals(b.target()) ? !a.isStream() : sameFile(a.target(), b.target());
  }

  /** Whether two paths lead to one regular file. */
  private static boolean sameFile(Path a, Path b) throws IOException {
    return Files.isRegularFile(a) && Files.isRegularFile(b) && Files.isSameFile(a, b);
  }
}

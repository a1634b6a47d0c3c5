package orrery.checkpoint;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The files of a model directory that may hold weights.
 *
 * <pre>
 *   with model.safetensors.index.json       exactly the files that it names
 *   without an index                        model.safetensors
 * </pre>
 *
 * <p>If there is an index, SGLang and vLLM do the same. (transformers 5 takes {@code
 * model.safetensors} if there are both; vLLM takes every {@code *.safetensors} if there is no
 * index.)
 */
record WeightFiles(Path directory) {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  private static final Pattern OTHERS =
      Pattern.compile(".*\\.(safetensors|safetensors\\.index\\.json|gguf|bin|pt|pth)");
  private static final int NAMES_SHOWN = 3;

  /** A link to an index that does not exist counts as an index too: it must not be passed over. */
  boolean indexed() {
    return Files.exists(directory.resolve(INDEX), LinkOption.NOFOLLOW_LINKS);
  }

  boolean hasSingle() {
    return Files.exists(directory.resolve(SINGLE), LinkOption.NOFOLLOW_LINKS);
  }

  /** The error for a directory that has neither; it names the files that were perhaps meant. */
  CheckpointException none() {
    Set<String> there = new TreeSet<>(matching(OTHERS));
    for (String sub : matching(Pattern.compile(".*"))) {
      for (String name : List.of(SINGLE, INDEX)) {
        if (Files.exists(directory.resolve(sub).resolve(name))) {
          there.add(sub + "/" + name);
        }
      }
    }
    String instead = there.isEmpty() ? "" : ", but " + listed(there);
    return new CheckpointException(
        directory, "weights", SINGLE + " or " + INDEX, "neither in this directory" + instead);
  }

  /** The notices for files that look like weights and are not among {@code read}. */
  List<String> passedOver(Set<String> read) {
    String why =
        indexed()
            ? INDEX + " does not name it"
            : "without " + INDEX + " only " + SINGLE + " counts";
    return matching(Pattern.compile(".*\\.safetensors(\\.index\\.json)?")).stream()
        .filter(name -> !name.equals(INDEX) && !read.contains(name))
        .map(name -> directory.resolve(name) + ": not read, because " + why)
        .toList();
  }

  private Set<String> matching(Pattern pattern) {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (pattern.matcher(name).matches()) {
          names.add(name);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw new CheckpointException(directory, "cannot be listed: " + e.getMessage(), e);
    }
    return names;
  }

  /** Names for a message; of many, only the first ones. */
  static String listed(Set<String> names) {
    List<String> shown = names.stream().limit(NAMES_SHOWN).map(CheckpointException::shown).toList();
    int more = names.size() - shown.size();
    return String.join(", ", shown) + (more > 0 ? " and " + more + " more" : "");
  }
}

package orrery.checkpoint.quantized;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;

/**
 * Modules as configs list them, by the names that tensors have without {@code .weight}.
 *
 * <pre>
 *   lm_head                        that module, and all inside it
 *   re:.*mlp.gate$                 compressed-tensors: a regular expression that fits the beginning
 *   *self_attn*                    ModelOpt: a pattern of a shell that fits the whole name
 *   Linear                         the class of all matrices
 * </pre>
 *
 * @param file the config, for messages
 * @param entries as the config has them
 */
record ModuleList(Path file, List<String> entries) {
  /** The class of all matrices. */
  static final String LINEAR = "Linear";

  private static final String REGEX = "re:";

  /** Characters that a match may look at: far more than real patterns need, done in no time. */
  private static final int MOST_LOOKS = 100_000;

  ModuleList {
    entries = List.copyOf(entries);
  }

  /** Reads the lists of several fields as one; an absent field has no modules. */
  static ModuleList read(JsonConfig c, String... fields) {
    List<String> entries = new ArrayList<>();
    for (String field : fields) {
      for (String entry : c.stringsOrNone(field)) {
        if (entry.startsWith(REGEX)) {
          requireRegex(c, field, entry);
        }
        entries.add(entry);
      }
    }
    return new ModuleList(c.file(), entries);
  }

  private static void requireRegex(JsonConfig c, String field, String entry) {
    try {
      Pattern.compile(entry.substring(REGEX.length()));
    } catch (PatternSyntaxException e) {
      throw c.bad(field, "regular expressions after re:", c.shown(field));
    }
  }

  boolean has(String module) {
    return entries.stream().anyMatch(entry -> matches(entry, module));
  }

  private boolean matches(String entry, String module) {
    if (entry.startsWith(REGEX)) {
      String regex = entry.substring(REGEX.length());
      return Pattern.compile(regex).matcher(new Looked(module)).lookingAt();
    }
    if (entry.contains("*")) {
      String regex = Pattern.quote(entry).replace("*", "\\E.*\\Q");
      return Pattern.compile(regex).matcher(new Looked(module)).matches();
    }
    return entry.equals(LINEAR) || entry.equals(module) || module.startsWith(entry + ".");
  }

  /** A name that a pattern looks at; patterns of strangers may look for ever. */
  private final class Looked implements CharSequence {
    private final CharSequence name;
    private int looks;

    Looked(CharSequence name) {
      this.name = name;
    }

    @Override
    public char charAt(int index) {
      if (++looks > MOST_LOOKS) {
        throw new CheckpointException(
            file,
            "lists of modules",
            "patterns that are quickly compared",
            "more than "
                + MOST_LOOKS
                + " comparisons with "
                + CheckpointException.shown(toString()));
      }
      return name.charAt(index);
    }

    @Override
    public int length() {
      return name.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return name.subSequence(start, end);
    }

    @Override
    public String toString() {
      return name.toString();
    }
  }
}

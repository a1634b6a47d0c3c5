package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import orrery.options.Options;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a constant of an enum as users write it: in small letters, with dashes. */
abstract class EnumWord<E extends Enum<E>> implements ITypeConverter<E> {
  private final Class<E> type;

  EnumWord(Class<E> type) {
    this.type = type;
  }

  @Override
  public E convert(String value) {
    for (E constant : type.getEnumConstants()) {
      if (of(constant).equals(value.toLowerCase(Locale.ROOT))) {
        return constant;
      }
    }
    List<String> words =
        new ArrayList<>(Stream.of(type.getEnumConstants()).map(EnumWord::of).toList());
    String last = words.removeLast();
    throw new TypeConversionException(
        "expected " + String.join(", ", words) + " or " + last + ", found " + value);
  }

  /** The constant as users write it. */
  static String of(Enum<?> constant) {
    return Options.word(constant);
  }
}

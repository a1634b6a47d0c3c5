package orrery.grammar;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.JsonText;

/**
 * The fields of one schema, checked as they are read.
 *
 * @param place of the schema, for the messages of errors
 */
record SchemaFields(Map<?, ?> fields, String place) {
  private static final int MAX_EXPONENT = 400; // of a bound

  boolean has(String keyword) {
    return fields.containsKey(keyword);
  }

  Object get(String keyword) {
    return fields.get(keyword);
  }

  /** The place of a keyword. */
  String at(String keyword) {
    return place + "/" + keyword;
  }

  GrammarException bad(String keyword, String expected) {
    return new GrammarException(at(keyword), expected, JsonText.shown(fields.get(keyword)));
  }

  String string(String keyword) {
    if (fields.get(keyword) instanceof String s) {
      return s;
    }
    throw bad(keyword, "a string");
  }

  List<?> list(String keyword) {
    if (fields.get(keyword) instanceof List<?> list && !list.isEmpty()) {
      return list;
    }
    throw bad(keyword, "a list that is not empty");
  }

  /** A number from 0 to {@code most}, or {@code otherwise} without the keyword. */
  int count(String keyword, int most, int otherwise) {
    if (!has(keyword)) {
      return otherwise;
    }
    if (fields.get(keyword) instanceof JsonText.Num n
        && n.isInt()
        && n.toInt() >= 0
        && n.toInt() <= most) {
      return n.toInt();
    }
    throw bad(keyword, "a whole number from 0 to " + most);
  }

  /** The lowest whole number by {@code minimum} and {@code exclusiveMinimum}. */
  long low() {
    long low = -IntegerRange.MOST;
    if (has("minimum")) {
      low = Math.max(low, whole(bound("minimum"), RoundingMode.CEILING));
    }
    if (has("exclusiveMinimum")) {
      low = Math.max(low, whole(bound("exclusiveMinimum"), RoundingMode.FLOOR) + 1);
    }
    return low;
  }

  /** The highest whole number by {@code maximum} and {@code exclusiveMaximum}. */
  long high() {
    long high = IntegerRange.MOST;
    if (has("maximum")) {
      high = Math.min(high, whole(bound("maximum"), RoundingMode.FLOOR));
    }
    if (has("exclusiveMaximum")) {
      high = Math.min(high, whole(bound("exclusiveMaximum"), RoundingMode.CEILING) - 1);
    }
    return high;
  }

  private BigDecimal bound(String keyword) {
    if (fields.get(keyword) instanceof JsonText.Num n && n.text().length() <= MAX_EXPONENT) {
      BigDecimal value = new BigDecimal(n.text());
      if (value.signum() == 0
          || Math.abs(value.precision() - (long) value.scale()) <= MAX_EXPONENT) {
        return value;
      }
    }
    throw bad(keyword, "a number that a double can hold");
  }

  /** Numbers beyond all that are written become one that is just beyond. */
  private static long whole(BigDecimal value, RoundingMode rounding) {
    BigDecimal most = BigDecimal.valueOf(IntegerRange.MOST + 1);
    BigDecimal near = value.min(most).max(most.negate());
    return near.round(MathContext.UNLIMITED).setScale(0, rounding).longValueExact();
  }
}

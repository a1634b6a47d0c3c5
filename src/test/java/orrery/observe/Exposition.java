package orrery.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A strict reader of Prometheus' text format 0.0.4. It refuses what the format allows but a careful
 * exporter never writes: a family without help or type, a counter whose name does not end in {@code
 * _total}, a sample twice, buckets that do not cumulate.
 */
public record Exposition(Map<String, Family> families) {
  private static final Pattern META =
      Pattern.compile("# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (\\S.*)");
  private static final Pattern SAMPLE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)\\{(.*)} (-?[0-9.]+(?:E-?[0-9]+)?|NaN|[+-]Inf)");
  private static final Pattern LABEL =
      Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\\n]|\\\\[\\\\\"n])*)\"(?:,|$)");

  /** A family, with its samples by name and labels. */
  public record Family(String type, String help, Map<String, Map<Map<String, String>, Double>> of) {
    /** The value of the sample with this name and these labels beside model_name. */
    double value(String name, String... labels) {
      List<Double> found = new ArrayList<>();
      of.getOrDefault(name, Map.of())
          .forEach(
              (all, value) -> {
                Map<String, String> rest = new TreeMap<>(all);
                rest.remove("model_name");
                Map<String, String> wanted = new TreeMap<>();
                for (int i = 0; i < labels.length; i += 2) {
                  wanted.put(labels[i], labels[i + 1]);
                }
                if (rest.equals(wanted)) {
                  found.add(value);
                }
              });
      assertThat(found).as("%s %s", name, List.of(labels)).hasSize(1);
      return found.getFirst();
    }
  }

  /** The value of a counter or gauge. */
  public double value(String family, String... labels) {
    return family(family).value(family, labels);
  }

  /** How many observations a histogram has. */
  double count(String family) {
    return family(family).value(family + "_count");
  }

  /** The sum of a histogram's observations. */
  double sum(String family) {
    return family(family).value(family + "_sum");
  }

  Family family(String name) {
    assertThat(families).containsKey(name);
    return families.get(name);
  }

  public static Exposition read(byte[] utf8) {
    String text = new String(utf8, StandardCharsets.UTF_8);
    assertThat(text).endsWith("\n");
    Map<String, Family> families = new LinkedHashMap<>();
    String help = null;
    String named = null; // by the latest HELP
    String current = null; // family of the samples that follow
    for (String line : text.substring(0, text.length() - 1).split("\n", -1)) {
      Matcher meta = META.matcher(line);
      if (meta.matches()) {
        boolean isHelp = meta.group(1).equals("HELP");
        assertThat(meta.group(2)).as(line).isNotIn(families.keySet());
        if (isHelp) {
          named = meta.group(2);
          help = meta.group(3);
        } else {
          assertThat(named).as("HELP before %s", line).isEqualTo(meta.group(2));
          current = named;
          families.put(current, new Family(meta.group(3), help, new LinkedHashMap<>()));
        }
        continue;
      }
      Matcher sample = SAMPLE.matcher(line);
      assertThat(sample.matches()).as("a sample: %s", line).isTrue();
      assertThat(current).as("a family before %s", line).isNotNull();
      Family family = families.get(current);
      assertThat(sample.group(1)).as(line).isIn(names(current, family.type()));
      Double old =
          family
              .of()
              .computeIfAbsent(sample.group(1), n -> new LinkedHashMap<>())
              .put(labels(sample.group(2)), number(sample.group(3)));
      assertThat(old).as("once: %s", line).isNull();
    }
    families.forEach(Exposition::check);
    return new Exposition(families);
  }

  private static Set<String> names(String family, String type) {
    return switch (type) {
      case "counter" -> {
        assertThat(family).endsWith("_total");
        yield Set.of(family);
      }
      case "gauge" -> {
        assertThat(family).doesNotEndWith("_total");
        yield Set.of(family);
      }
      case "histogram" -> Set.of(family + "_bucket", family + "_sum", family + "_count");
      case String other -> throw new AssertionError(family + " has type " + other);
    };
  }

  private static Map<String, String> labels(String text) {
    Map<String, String> labels = new TreeMap<>();
    Matcher label = LABEL.matcher(text);
    int at = 0;
    while (label.find() && label.start() == at) {
      assertThat(labels.put(label.group(1), label.group(2))).isNull();
      at = label.end();
    }
    assertThat(at).as("labels %s", text).isEqualTo(text.length());
    assertThat(labels).containsKey("model_name");
    return labels;
  }

  private static double number(String text) {
    return switch (text) {
      case "+Inf" -> Double.POSITIVE_INFINITY;
      case "-Inf" -> Double.NEGATIVE_INFINITY;
      default -> Double.parseDouble(text);
    };
  }

  private static void check(String name, Family family) {
    if (family.type().equals("histogram")) {
      assertThat(name).endsWith("_seconds");
      double before = 0;
      double bound = Double.NEGATIVE_INFINITY;
      for (var bucket : family.of().get(name + "_bucket").entrySet()) {
        double le = number(bucket.getKey().get("le"));
        assertThat(le).as(name).isGreaterThan(bound);
        assertThat(bucket.getValue()).as(name).isGreaterThanOrEqualTo(before);
        bound = le;
        before = bucket.getValue();
      }
      assertThat(bound).as(name).isInfinite();
      assertThat(family.value(name + "_count")).as(name).isEqualTo(before);
      assertThat(family.value(name + "_sum")).as(name).isNotNegative();
    }
    if (family.type().equals("counter")) {
      family
          .of()
          .values()
          .forEach(s -> assertThat(s.values()).as(name).allMatch(v -> v >= 0 && v < 1e15));
    }
    assertThat(new LinkedHashSet<>(family.of().keySet()))
        .as("samples of %s", name)
        .isSubsetOf(names(name, family.type()));
  }
}

package orrery.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.JsonText.Num;

/**
 * The points of an earlier run of {@code orrery lab frontier}, as {@link FrontierJson} writes them:
 * their tables are printed and their picture is drawn without another run.
 */
public final class FrontierPoints {
  /** Points of one configuration, by round. */
  private static final class Points extends LinkedHashMap<Integer, List<OperatingPoint>> {}

  /** A model with its configurations, in the order of the file. */
  private record Model(String description, FrontierLoad load, Map<String, Points> curves) {}

  private final Path file;
  private final Map<String, Model> models = new LinkedHashMap<>();

  private FrontierPoints(Path file) {
    this.file = file;
  }

  /**
   * Prints the tables of a file.
   *
   * @return with the picture of the last model
   * @throws IOException naming the file and the line, what was expected and what was found
   */
  public static LabReport print(Path file, PrintStream out) throws IOException {
    Sheet sheet = new Sheet(out);
    List<Chart> charts = List.of();
    for (FrontierResult result : new FrontierPoints(file).read()) {
      sheet.title("frontier: " + result.description(), result.load() + "; of an earlier run");
      charts = new FrontierTables(result).print(sheet);
    }
    return new LabReport(sheet.figures(), charts);
  }

  private List<FrontierResult> read() throws IOException {
    int number = 0;
    try (BufferedReader in = Files.newBufferedReader(file)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        number++;
        take(line);
      }
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": no such file", e);
    } catch (JsonFault | IllegalArgumentException e) {
      String expected = ": expected a point as lab frontier --json writes it, found: ";
      throw new IOException(file + ": line " + number + expected + e.getMessage(), e);
    }
    List<FrontierResult> results = new ArrayList<>();
    for (Map.Entry<String, Model> model : models.entrySet()) {
      results.add(result(model.getKey(), model.getValue()));
    }
    if (results.isEmpty()) {
      throw new IOException(file + ": expected points, found none");
    }
    return results;
  }

  private void take(String line) throws JsonFault {
    if (!(JsonText.value(line) instanceof Map<?, ?> point)) {
      throw new IllegalArgumentException("no object");
    }
    FrontierLoad load = new FrontierLoad(integer(point, "input"), integer(point, "output"));
    Model model =
        models.computeIfAbsent(
            text(point, "model"),
            name -> new Model(text(point, "description"), load, new LinkedHashMap<>()));
    model
        .curves
        .computeIfAbsent(text(point, "configuration"), name -> new Points())
        .computeIfAbsent(integer(point, "round"), round -> new ArrayList<>())
        .add(
            new OperatingPoint(
                integer(point, "concurrency"),
                positive(point, "tokens_per_second_per_user"),
                positive(point, "tokens_per_second_with_wait"),
                positive(point, "ttft_ms"),
                positive(point, "total_tokens_per_second"),
                positive(point, "output_tokens_per_second"),
                number(point, "tokens_per_verification")));
  }

  private FrontierResult result(String name, Model model) throws IOException {
    List<FrontierCurve> curves = new ArrayList<>();
    for (Map.Entry<String, Points> curve : model.curves.entrySet()) {
      List<List<OperatingPoint>> rounds = List.copyOf(curve.getValue().values());
      if (rounds.stream().map(FrontierPoints::clients).distinct().count() > 1) {
        throw new IOException(
            file
                + ": "
                + curve.getKey()
                + ": expected the same numbers of clients in each round, found "
                + rounds.stream().map(FrontierPoints::clients).toList());
      }
      curves.add(new FrontierCurve(curve.getKey(), rounds));
    }
    if (!curves.getFirst().name().equals(Rung.NAIVE)) {
      throw new IOException(
          file + ": expected " + Rung.NAIVE + " first, found " + curves.getFirst().name());
    }
    return new FrontierResult(name, model.description, model.load, curves);
  }

  private static List<Integer> clients(List<OperatingPoint> round) {
    return round.stream().map(OperatingPoint::concurrency).toList();
  }

  private static String text(Map<?, ?> point, String field) {
    if (point.get(field) instanceof String text) {
      return text;
    }
    throw new IllegalArgumentException("no text " + field);
  }

  private static int integer(Map<?, ?> point, String field) {
    if (point.get(field) instanceof Num n && n.isInt()) {
      return n.toInt();
    }
    throw new IllegalArgumentException("no integer " + field);
  }

  private static double number(Map<?, ?> point, String field) {
    if (point.get(field) instanceof Num n) {
      return Double.parseDouble(n.text());
    }
    throw new IllegalArgumentException("no number " + field);
  }

  private static double positive(Map<?, ?> point, String field) {
    double value = number(point, field);
    if (value > 0) {
      return value;
    }
    throw new IllegalArgumentException(field + " " + value);
  }
}

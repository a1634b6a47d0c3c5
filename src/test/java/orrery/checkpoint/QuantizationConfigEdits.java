package orrery.checkpoint;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import orrery.checkpoint.CheckpointMutator.Edit;
import orrery.checkpoint.CheckpointMutator.Mutation;
import orrery.checkpoint.CheckpointMutator.Outcome;

/** Edits of what a config says about quantised weights, so that it does not fit the files. */
final class QuantizationConfigEdits {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String FIELD = "quantization_config";
  private static final String MODEL_OPT = "hf_quant_config.json";
  private static final String INSIDE = "quantization"; // of that file

  /** Values that no field of such a config can have. */
  private static final String[] NONSENSE = {
    "\"abc\"", "-1", "0", "1.5", "1e400", "[]", "[0, 128]", "[128]", "[-1, 128]", "[1, 2, 3]", "{}"
  };

  /** Fields of which each of {@link #NONSENSE} is refused. */
  private static final List<String> STRICT =
      List.of(
          "quant_method",
          "fmt",
          "scale_fmt",
          "activation_scheme",
          "weight_block_size",
          "format",
          "quantization_status",
          "num_bits",
          "type",
          "strategy",
          "group_size",
          "block_structure",
          "symmetric",
          "dynamic",
          "quant_algo",
          "moe_quant_algo");

  static final List<Edit> ALL =
      List.of(
          QuantizationConfigEdits::nonsense,
          QuantizationConfigEdits::dropped,
          QuantizationConfigEdits::otherMethod,
          QuantizationConfigEdits::otherBlocks,
          QuantizationConfigEdits::otherWords,
          QuantizationConfigEdits::lists);

  private QuantizationConfigEdits() {}

  /** An edit after which the files are read as before or not at all. */
  static Mutation neverAnother(String kind, String what) {
    return new Mutation(kind, what, EnumSet.of(Outcome.SAME_CONTENT, Outcome.REFUSED));
  }

  private static Mutation nonsense(Path directory, Random random) throws IOException {
    ObjectNode root = read(directory);
    List<ObjectNode> objects = new ArrayList<>();
    collect(told(root), objects);
    ObjectNode object = objects.get(random.nextInt(objects.size()));
    List<String> fields = new ArrayList<>();
    object
        .fieldNames()
        .forEachRemaining(
            f -> {
              if (STRICT.contains(f) && !object.get(f).isNull()) {
                fields.add(f);
              }
            });
    if (fields.isEmpty()) {
      return null;
    }
    String field = fields.get(random.nextInt(fields.size()));
    String value = NONSENSE[random.nextInt(NONSENSE.length)];
    object.putRawValue(field, new RawValue(value));
    write(directory, root);
    String what = field + " = " + value;
    // Nobody reads quant_algo beside quant_method fp8, nor what groups say about activations.
    boolean beside = field.equals("quant_algo") || field.equals("group_size");
    boolean read = !beside && !isOfActivations(root, object);
    return read ? Mutation.refused("nonsense", what) : neverAnother("nonsense", what);
  }

  private static boolean isOfActivations(ObjectNode root, ObjectNode object) {
    return root.findValues("input_activations").stream().anyMatch(found -> found == object);
  }

  private static void collect(ObjectNode object, List<ObjectNode> all) {
    all.add(object);
    object.forEach(
        child -> {
          if (child instanceof ObjectNode inside) {
            collect(inside, all);
          }
        });
  }

  private static Mutation dropped(Path directory, Random random) throws IOException {
    ObjectNode root = read(directory);
    boolean another = root.has(FIELD) && Files.exists(directory.resolve(MODEL_OPT));
    if (random.nextBoolean()) {
      root.remove(List.of(FIELD, INSIDE));
    } else {
      root.putNull(root.has(FIELD) ? FIELD : INSIDE);
    }
    write(directory, root);
    return another
        ? neverAnother("no config", "a second config stays")
        : Mutation.refused("no config", "none");
  }

  private static Mutation otherMethod(Path directory, Random random) throws IOException {
    String[] methods = {
      "gptq", "awq", "bitsandbytes", "quark", "fp_quant", "mxfp4", "modelopt_fp4", "FP8", ""
    };
    ObjectNode root = read(directory);
    if (!root.has(FIELD)) {
      return null;
    }
    String method = methods[random.nextInt(methods.length)];
    told(root).put("quant_method", method);
    write(directory, root);
    return Mutation.refused("quant_method", method);
  }

  /** Half or twice the rows or the columns: where the grid is the same, so is the meaning. */
  private static Mutation otherBlocks(Path directory, Random random) throws IOException {
    ObjectNode root = read(directory);
    List<ObjectNode> objects = new ArrayList<>();
    collect(told(root), objects);
    for (ObjectNode object : objects) {
      for (String field : List.of("weight_block_size", "block_structure")) {
        if (object.path(field).isArray()) {
          int[] block = {object.get(field).get(0).intValue(), object.get(field).get(1).intValue()};
          int which = random.nextInt(2);
          block[which] = random.nextBoolean() ? 2 * block[which] : Math.max(1, block[which] / 2);
          object.putArray(field).add(block[0]).add(block[1]);
          write(directory, root);
          return neverAnother("other blocks", field + " " + object.get(field));
        }
      }
    }
    return null;
  }

  private static Mutation otherWords(Path directory, Random random) throws IOException {
    String[][] words = {
      {"\"channel\"", "\"tensor\""},
      {"\"channel\"", "\"block\""},
      {"\"block\"", "\"channel\""},
      {"\"group\"", "\"tensor_group\""},
      {"\"tensor_group\"", "\"group\""},
      {"\"group_size\" : 32", "\"group_size\" : 16"},
      {"\"group_size\" : 16", "\"group_size\" : 32"},
      {"\"num_bits\" : 8", "\"num_bits\" : 4"},
      {"\"num_bits\" : 4", "\"num_bits\" : 8"},
      {"\"type\" : \"float\"", "\"type\" : \"int\""},
      {"\"symmetric\" : true", "\"symmetric\" : false"},
      {"\"NVFP4\"", "\"NVFP4_AWQ\""},
      {"\"NVFP4\"", "\"FP8\""},
      {"\"FP8\"", "\"NVFP4\""},
      {"\"FP8\"", "\"FP8_PER_CHANNEL_PER_TOKEN\""},
      {"\"e4m3\"", "\"e5m2\""},
      {"\"e5m2\"", "\"e4m3\""},
      {"\"fp4\"", "\"fp8\""},
      {"\"fp8\"", "\"fp4\""},
      {"\"mxfp8\"", "\"fp8\""},
      {"\"fp8\"", "\"mxfp8\""},
      {"\"ue8m0\"", "\"float\""},
      {"\"compressed\"", "\"frozen\""},
    };
    ObjectNode root = read(directory);
    String text = root.toPrettyString();
    List<String[]> fitting = new ArrayList<>();
    for (String[] word : words) {
      if (text.contains(word[0])) {
        fitting.add(word);
      }
    }
    if (fitting.isEmpty()) {
      return null;
    }
    String[] word = fitting.get(random.nextInt(fitting.size()));
    Files.writeString(file(directory), text.replace(word[0], word[1]));
    return neverAnother("other words", word[0] + " to " + word[1]);
  }

  /** Lists of modules that are not quantised are often wrong, so nothing depends on them. */
  private static Mutation lists(Path directory, Random random) throws IOException {
    String[] fields = {"modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules"};
    String[] values = {
      "[]", "null", "[\"*\"]", "[\"re:.*\"]", "[\"re:(\"]", "[1]", "\"lm_head\"", "[\"model\"]"
    };
    ObjectNode root = read(directory);
    String field = fields[random.nextInt(fields.length)];
    String value = values[random.nextInt(values.length)];
    told(root).putRawValue(field, new RawValue(value));
    write(directory, root);
    return neverAnother("lists of modules", field + " = " + value);
  }

  /**
   * The file that tells of quantised weights: config.json, or ModelOpt's own if it tells nothing.
   */
  private static Path file(Path directory) throws IOException {
    Path config = directory.resolve("config.json");
    return JSON.readTree(config.toFile()).has(FIELD) ? config : directory.resolve(MODEL_OPT);
  }

  private static ObjectNode read(Path directory) throws IOException {
    return (ObjectNode) JSON.readTree(file(directory).toFile());
  }

  private static ObjectNode told(ObjectNode root) {
    return (ObjectNode) root.get(root.has(FIELD) ? FIELD : INSIDE);
  }

  private static void write(Path directory, ObjectNode root) throws IOException {
    boolean config = root.has("model_type");
    Files.writeString(directory.resolve(config ? "config.json" : MODEL_OPT), root.toString());
  }
}

package orrery.model.classic;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import orrery.checkpoint.JsonConfig;

/**
 * The rotary part of a {@code config.json}. transformers 4 has its values at top level and in
 * {@code rope_scaling}, transformers 5 in {@code rope_parameters}. A value may be in several places
 * if it is the same in all of them. Two different values are refused, since engines differ in which
 * one they read.
 *
 * @param theta {@code rope_theta}
 * @param rotaryDim columns of a head that are rotated: head_dim · {@code partial_rotary_factor}
 */
record RopeFields(double theta, int rotaryDim) {
  private static final List<String> OBJECTS = List.of("rope_parameters", "rope_scaling");

  static RopeFields read(JsonConfig c, int headDim) {
    for (String object : OBJECTS) {
      c.optionalObject(object).ifPresent(RopeFields::refuseScaling);
    }
    return new RopeFields(theta(c), rotaryDim(c, headDim));
  }

  /**
   * Refuses scaled positions, which make another model. A factor without a type is refused too: the
   * type was probably forgotten.
   */
  private static void refuseScaling(JsonConfig rope) {
    boolean typed = false;
    for (String field : List.of("rope_type", "type")) {
      if (rope.has(field)) {
        rope.oneOf(field, "default");
        typed = true;
      }
    }
    if (!typed) {
      rope.requireAbsent("factor");
    }
    rope.requireAbsent("full_attention"); // values for each kind of layer
    rope.requireAbsent("sliding_attention");
  }

  private static double theta(JsonConfig c) {
    List<JsonConfig> places = places(c, "rope_theta");
    double theta = value(places, "rope_theta").orElse(10_000);
    if (!(theta > 1)) { // else later pairs would turn faster than the first, or all equally fast
      throw places.getFirst().bad("rope_theta", "a number above 1", "" + theta);
    }
    return theta;
  }

  private static int rotaryDim(JsonConfig c, int headDim) {
    String field = "partial_rotary_factor";
    List<JsonConfig> places = places(c, field);
    double factor = value(places, field).orElse(0.5);
    int rotary = (int) (headDim * factor);
    if (factor > 1 || rotary < 1 || (rotary + 1L) / 2 * 2 > headDim) {
      throw (places.isEmpty() ? c : places.getFirst())
          .bad(field, "1 to " + headDim + " rotated columns of head_dim " + headDim, "" + factor);
    }
    return rotary;
  }

  /** The objects that have the field, among the config itself and the objects inside it. */
  private static List<JsonConfig> places(JsonConfig c, String field) {
    Stream<JsonConfig> inside = OBJECTS.stream().map(c::optionalObject).flatMap(Optional::stream);
    return Stream.concat(Stream.of(c), inside).filter(place -> place.has(field)).toList();
  }

  private static OptionalDouble value(List<JsonConfig> places, String field) {
    for (JsonConfig place : places) {
      JsonConfig first = places.getFirst();
      if (place.number(field) != first.number(field)) {
        String expected = first.shown(field) + ", as " + first.name(field) + " says";
        throw place.bad(field, expected, place.shown(field));
      }
    }
    return places.stream().mapToDouble(place -> place.number(field)).findFirst();
  }
}

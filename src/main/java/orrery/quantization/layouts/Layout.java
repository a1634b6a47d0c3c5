package orrery.quantization.layouts;

import java.util.Map;
import java.util.Optional;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;

/** A published way to store a quantised model. */
public interface Layout {
  /** The word for it on the command line. */
  String name();

  /** How matrices of a role are stored; nothing if they stay as they are. */
  Optional<StoredForm> form(Role role, QuantizedParts parts);

  /**
   * The fields that the layout adds to {@code config.json}, made of maps, lists, texts, booleans
   * and ints; a null is JSON's.
   *
   * @param kept what stays as it is
   */
  Map<String, Object> fields(QuantizedParts parts, Kept kept);

  /**
   * Refuses a model that has no release in this layout.
   *
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  default void require(QuantizedParts parts) {}
}

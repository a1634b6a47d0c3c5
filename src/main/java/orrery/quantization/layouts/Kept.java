package orrery.quantization.layouts;

import java.util.List;

/**
 * What stays as it is in a quantised model.
 *
 * @param all names of all of it: modules without {@code .weight}, other tensors whole
 * @param matrices the modules among them that are matrices
 */
public record Kept(List<String> all, List<String> matrices) {
  public Kept {
    all = List.copyOf(all);
    matrices = List.copyOf(matrices);
  }
}

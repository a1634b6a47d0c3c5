package orrery.lab;

import java.util.List;

/**
 * What was measured of a model.
 *
 * @param recipe that was used or found
 * @param curves empty after a sweep
 */
record FrontierResult(String model, Recipe recipe, List<FrontierCurve> curves) {}

package orrery.lab;

import java.util.List;

/**
 * What was measured of a model.
 *
 * @param description of the model and the threads, for pictures
 * @param curves the naive one first; empty after a sweep
 */
record FrontierResult(
    String model, String description, FrontierLoad load, List<FrontierCurve> curves) {}

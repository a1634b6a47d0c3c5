package orrery.lab;

/**
 * The result of {@code orrery lab frontier}.
 *
 * @param report tables and picture
 * @param json all points of all rounds
 * @param recipe of the last model
 */
public record FrontierReport(LabReport report, String json, Recipe recipe) {}

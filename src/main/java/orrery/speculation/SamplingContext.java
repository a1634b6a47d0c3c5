package orrery.speculation;

import orrery.sampling.History;
import orrery.sampling.SamplingParams;

/**
 * Everything beside the logits that decides a token of one answer.
 *
 * @param history prompt and answer so far; its length is the position of the token to draw
 * @param seed the seed of the request
 * @param choice which of the request's answers
 */
public record SamplingContext(SamplingParams params, History history, long seed, int choice) {}

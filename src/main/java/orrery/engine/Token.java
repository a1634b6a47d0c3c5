package orrery.engine;

import orrery.sampling.Logprobs;

/**
 * One token of an answer as it comes.
 *
 * @param choice which of the request's answers
 * @param index its place in the answer, from 0
 * @param id the token
 * @param text what may be shown now; empty while a character or a stop string is incomplete
 * @param logprobs or null if not asked for
 */
public record Token(int choice, int index, int id, String text, Logprobs logprobs) {}

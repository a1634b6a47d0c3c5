/**
 * Structured output: which tokens an answer may go on with, so that the whole answer matches a
 * regular expression or a JSON schema.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/constrained/}; vLLM {@code v1/structured_output/}.
 *
 * <p><b>Papers.</b> Willard and Louf, "Efficient guided generation for large language models",
 * arXiv:2307.09702.
 */
package orrery.grammar;

/**
 * Structured output: which tokens an answer may go on with, so that the whole answer matches a
 * regular expression or a JSON schema.
 *
 * <p><b>The problem.</b> A program that reads an answer needs JSON with the right fields, a date,
 * or one of three words. A model writes that mostly, and mostly is not enough. To ask again when
 * the text does not parse costs a whole answer, and may fail again.
 *
 * <p><b>The idea.</b> A regular expression is an automaton: a state says all that the text so far
 * allows. Walk with each token's bytes from the present state: if the walk dies, the token is
 * excluded. The set of tokens that live is the <em>mask</em> of the state. It depends on the state
 * alone, so it is computed once, and then a token costs one look-up. A JSON schema without
 * recursion is a regular expression too, a long one.
 *
 * <pre>
 *   pattern ─ {@link orrery.grammar.RegexParser} ──┐
 *   schema ── {@link orrery.grammar.SchemaReader} ─┴─> {@link orrery.grammar.Syntax}
 *       ─ {@link orrery.grammar.AutomatonBuilder}: characters, deterministic, UTF-8, deterministic ─>
 *   {@link orrery.grammar.ByteAutomaton}  +  {@link orrery.grammar.TokenTree}  =  {@link orrery.grammar.Constraint}
 *
 *   state 7   text so far  {"age": 1        tokens   2 ✓   } ✓   , ✗   23 ✗   "x ✗        mask(7)
 *                                                        next(7, 2) = 9
 * </pre>
 *
 * <p>The automaton reads bytes, not characters, since a token may end inside a character.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A token is allowed exactly if some text goes on with it that the model's tokens can spell.
 *       So there is always a way to the end.
 *   <li>An answer ends only where its text is complete, unless its length, a stop string or a
 *       cancel cuts it short.
 *   <li>A state is a pure function of the answer's tokens ({@link orrery.grammar.ConstraintPath}).
 *       So every draft is judged under the mask of its own place, and speculation stays exact.
 *   <li>Compiling is bounded in time and memory, whatever a stranger sends: the automaton's size is
 *       counted before it is built, and making it deterministic has a budget.
 *   <li>What is not understood is refused by its name. Nothing is ignored in silence.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery generate --json-schema docs/examples/animal.schema.json};
 * {@code docs/structured-output.md} is the chapter.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/constrained/}; vLLM {@code v1/structured_output/};
 * TensorRT-LLM {@code _torch/pyexecutor/grammar_matcher.py}. They call XGrammar, llguidance or
 * Outlines. The first two have a stack, so they also know recursive grammars, and compute masks on
 * the host while the GPU runs the step.
 *
 * <p><b>Papers.</b> Willard and Louf, "Efficient guided generation for large language models",
 * arXiv:2307.09702 (masks by state); Dong et al., "XGrammar", arXiv:2411.15100 (a stack, and masks
 * that do not depend on it).
 */
package orrery.grammar;

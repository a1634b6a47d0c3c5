/**
 * The published rules that accept drafts: other text than plain decoding, with the same
 * distribution.
 *
 * <p><b>The problem.</b> A draft must not bend the distribution of the text. The default, {@link
 * orrery.speculation.CoupledRule}, keeps even the text itself. The rules that the big engines use
 * keep only the distribution; some of them accept more drafts.
 *
 * <p><b>The idea.</b> A draft x is accepted with a probability a(x). If it is not, its place goes
 * to a token that is drawn from a residual distribution. The two fit together such that the token
 * has the target's distribution p:
 *
 * <pre>
 *   rule           a(x)              residual                 needs
 *   target-only    p(x)              p without x              p
 *   rejection      min(1, p(x)/q(x)) max(0, p − q), scaled    p, and q that the drafter drew from
 * </pre>
 *
 * <p>{@link orrery.speculation.rules.SyntheticRule} is another matter: it accepts drafts at a given
 * rate, right or wrong, so that an experiment can ask what a better drafter would be worth. {@link
 * orrery.speculation.rules.AcceptanceRules} makes the rule that the switches ask for.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Σ over drafts of what is emitted is p: added up over all outcomes to 1e-12 ({@code
 *       DistributionRuleTest}), and drawn 10^5 times ({@code RuleStatisticsTest}).
 *   <li>Random numbers are keyed by request, choice and position, in streams of their own. So a row
 *       with the same draft emits the same token in any batch.
 *   <li>But the text depends on which rows have drafts: a row without a draft draws as plain
 *       decoding does. In a fuller step there may be fewer drafts, so a request may get another
 *       answer beside others than alone. Both have the target's distribution. With {@link
 *       orrery.speculation.CoupledRule} the answers are the same.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery generate --speculative-algorithm mtp --speculative-acceptance
 * rejection}.
 *
 * <p><b>Elsewhere.</b> SGLang {@code speculative_sampling.cuh}; vLLM {@code
 * v1/sample/rejection_sampler.py}.
 *
 * <p><b>Papers.</b> Leviathan et al. 2023 (arXiv:2211.17192) and Chen et al. 2023
 * (arXiv:2302.01318).
 */
package orrery.speculation.rules;

"""The bounds of the paper, as printed and as they hold.

==============================  =======================================================
Theorem 1, (23) to (25)         `theorem1`
Lemma 1                         `theorem1.least_slack`
Proposition 2                   `proposition2`, closer: `cmarlsim.footprints.proposition2`
Proposition 3, (22)             `proposition3`
Proposition 4, Lemmas 3 to 5    `proposition4`
path certificate                `certificate`, of a recording: `Recording.certificate`
==============================  =======================================================

`verdicts` is the schema in which scripts and the advisor say whether a statement holds. Proposition 1 and
Lemma 2, which need values of policies, are measured by `analysis.proposition1` and `analysis.theorem1`, and
Lemma 6 is refuted by `analysis.theorem1.counterexamples`.
"""

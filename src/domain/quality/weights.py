"""What a soft finding weighs: whether it is worth what a repair costs.

A repair takes about as many tokens as the lesson did, as the model reads all of it again, however little it writes. The
weights say how much of that price putting it right is worth to a learner, for each gate that may be soft. Hard findings
have none: they are repaired whatever it costs.
"""

from collections.abc import Iterable

from src.domain.finding import Finding, Severity

ENOUGH = 12
"""The weight from which on a repair is worth its price; REPAIR_WEIGHT changes it."""
MISLEADS = 6
"""The learner is told something that isn't so, or that was meant for somebody else, or a source is taken from."""
LACKS = 3
"""The learner misses something that was promised, or meets something that can't be used."""
FORM = 1
"""The lesson is as useful as without it."""

WEIGHTS = {
    "overlap": ENOUGH,  # two lessons are paid for, and one is got
    "leak": MISLEADS,
    "outline_leak": MISLEADS,
    "copied": MISLEADS,
    "choices_alike": MISLEADS,  # two choices are right, and one counts
    "mojibake": MISLEADS,
    "key_unproven": MISLEADS,  # it may be wrong
    "mangled_formula": LACKS,
    "broken_table": LACKS,
    "broken_formula": LACKS,
    "broken_off": LACKS,
    "dangling_reference": LACKS,
    "stem_gives_answer": LACKS,
    "repeated_concept": LACKS,
    "concept_used_early": LACKS,
    "cut_off": LACKS,
    "length": LACKS,
    "concept_missing": LACKS,
    "objective_not_served": LACKS,
    "readability": LACKS,
    "repetition": LACKS,
    "uncited": LACKS,
    "unknown_number": LACKS,
    "all_or_none": LACKS,
    "duplicate_question": LACKS,
    "not_true_and_false": LACKS,
    "alike_titles": LACKS,
    "citation_removed": FORM,  # it is out of the text already
    "heading_in_text": FORM,
    "longest_is_key": FORM,
    "shortest_is_key": FORM,
    "one_sided_keys": FORM,
    "one_sided_course": FORM,
    "unclosed_emphasis": FORM,
    "term_unused": FORM,
    "summary_beyond": FORM,
    "vague_objective": FORM,  # the lesson is the same; every outline of a small model has some
    "repeated_objective": FORM,
}


def weight(findings: Iterable[Finding]) -> int:
    """Returns what the soft ones of these findings weigh together."""
    # A reader of another kind may find things too (docs/architecture.md). What the table doesn't know lacks something.
    return sum(WEIGHTS.get(finding.gate, LACKS) for finding in findings if finding.severity is Severity.SOFT)

"""What counts as a spike."""

import math

from corpus.train.spikes import BELIEVED, FEWEST, largest_norm


def test_the_limit_is_a_multiple_of_the_median() -> None:
    assert largest_norm([1.0] * FEWEST + [500.0], 20.0, in_a_row=0) == 20.0


def test_there_is_none_at_the_beginning_after_several_in_a_row_or_where_it_is_off() -> None:
    norms = [1.0] * FEWEST
    assert largest_norm(norms[1:], 20.0, in_a_row=0) == math.inf
    assert largest_norm(norms, 20.0, in_a_row=BELIEVED) == math.inf
    assert largest_norm(norms, 0.0, in_a_row=0) == math.inf

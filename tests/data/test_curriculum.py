"""The curriculum as pure functions: phases cover 0…1, mixtures sum to one, each order is what its
name says."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import ConfigError
from corpus.config.curriculum import ORDER, PROBLEMS, CurriculumConfig
from corpus.data.curriculum import mixture_at, plan_phases, unordered

SIX = (*ORDER,)


def leads(config: CurriculumConfig, prepared: tuple[str, ...] = SIX) -> list[str]:
    return [phase.name for phase in plan_phases(config, prepared)]


def test_sequential_reads_the_sources_in_the_original_order():
    assert leads(CurriculumConfig()) == [
        "c4",
        "wikipedia",
        "github",
        "arxiv",
        "book",
        "stackexchange",
    ]
    assert plan_phases(CurriculumConfig(), SIX)[2].mixture == {"github": 1.0}


def test_reverse_is_sequential_backwards():
    assert leads(CurriculumConfig(order="reverse")) == leads(CurriculumConfig())[::-1]


def test_shuffled_is_one_phase_of_everything():
    (phase,) = plan_phases(CurriculumConfig(order="shuffled", weights={"c4": 3.0}), SIX)
    assert phase.mixture["c4"] == pytest.approx(3 / 8)


def test_commoncrawl_is_read_with_c4():
    phases = plan_phases(CurriculumConfig(), (*SIX, "commoncrawl"))
    assert [p.name for p in phases] == [*ORDER]
    assert phases[0].mixture == {"c4": 0.5, "commoncrawl": 0.5}
    assert phases[0].end == pytest.approx(2 / 7)


def test_commoncrawl_stands_alone_where_there_is_no_c4():
    assert "commoncrawl" in leads(CurriculumConfig(), ("commoncrawl", "arxiv"))


def test_interleaved_replays_every_source_at_the_given_share():
    phase = plan_phases(CurriculumConfig(order="interleaved", replay=0.4), SIX)[1]
    assert phase.name == "wikipedia"
    assert phase.mixture["wikipedia"] == pytest.approx(0.6 + 0.4 / 6)
    assert phase.mixture["book"] == pytest.approx(0.4 / 6)


@given(
    order=st.sampled_from(["sequential", "reverse", "shuffled", "interleaved"]),
    replay=st.floats(0, 1),
    anneal=st.sampled_from([0.0, 0.1, 0.9]),
    weights=st.dictionaries(
        st.sampled_from([*SIX, "commoncrawl", "notes"]),
        st.one_of(st.just(0.0), st.floats(0.01, 100)),
        min_size=1,
    ).filter(lambda weights: any(weights.values())),
)
def test_in_every_order_a_source_gets_the_share_of_the_text_that_its_weight_asks_for(
    order, replay, anneal, weights
):
    config = CurriculumConfig(order=order, replay=replay, anneal=anneal, weights=weights)
    read = dict.fromkeys([*weights, PROBLEMS], 0.0)
    for phase in plan_phases(config, (*weights, PROBLEMS)):
        for name, share in phase.mixture.items():
            read[name] += share * (phase.end - phase.start)
    text = sum(read.values()) - read[PROBLEMS]
    for name, weight in weights.items():
        assert read[name] / text == pytest.approx(weight / sum(weights.values()), abs=1e-9)


def test_a_replay_of_all_is_the_shuffled_order():
    mixtures = [
        phase.mixture
        for phase in plan_phases(CurriculumConfig(order="interleaved", replay=1.0), SIX)
    ]
    assert all(mixture == pytest.approx(dict.fromkeys(SIX, 1 / 6)) for mixture in mixtures)


def test_the_order_of_sources_that_nobody_ordered_is_told():
    prepared, given_order = ("easy", "hard", "medium", "book"), ("easy", "medium", "hard")
    assert unordered(CurriculumConfig(), prepared) == ["easy", "hard", "medium"]
    assert unordered(CurriculumConfig(sources=given_order), prepared) == []
    assert unordered(CurriculumConfig(), (*SIX, "commoncrawl", "notes")) == []
    assert unordered(CurriculumConfig(order="shuffled"), prepared) == []
    assert unordered(CurriculumConfig(weights={"hard": 0.0, "easy": 0.0}), prepared) == []
    assert leads(CurriculumConfig(sources=given_order), prepared) == [*given_order, "book"]


def test_own_sources_follow_the_known_ones():
    assert leads(CurriculumConfig(), ("zeta", "book", "alpha"))[-2:] == ["alpha", "zeta"]


def test_anneal_mixes_problems_into_the_end_and_squeezes_the_rest():
    phases = plan_phases(CurriculumConfig(anneal=0.25, anneal_problems=0.6), (*SIX, PROBLEMS))
    assert phases[-1].name == "anneal"
    assert phases[-1].start == pytest.approx(0.75)
    assert phases[-2].end == pytest.approx(0.75)
    assert phases[-1].mixture[PROBLEMS] == pytest.approx(0.6)
    assert all(PROBLEMS not in phase.mixture for phase in phases[:-1])


def test_without_an_anneal_problems_are_never_read():
    assert all(
        PROBLEMS not in phase.mixture
        for phase in plan_phases(CurriculumConfig(order="shuffled"), (*SIX, PROBLEMS))
    )


@given(
    order=st.sampled_from(["sequential", "reverse", "shuffled", "interleaved"]),
    prepared=st.sets(st.sampled_from([*SIX, "commoncrawl", "notes"]), min_size=1),
    anneal=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    heavy=st.floats(0.1, 10),
    progress=st.floats(0, 1),
)
def test_phases_cover_everything_and_mixtures_sum_to_one(order, prepared, anneal, heavy, progress):
    name = min(prepared)
    phases = plan_phases(
        CurriculumConfig(order=order, anneal=anneal, weights={name: heavy}), (*prepared, PROBLEMS)
    )
    assert phases[0].start == 0.0
    assert phases[-1].end == 1.0
    assert all(a.end == pytest.approx(b.start) for a, b in itertools.pairwise(phases))
    assert sum(mixture_at(phases, progress).values()) == pytest.approx(1.0)


def test_a_weight_for_an_unknown_source_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="Did you mean 'arxiv'"):
        plan_phases(CurriculumConfig(weights={"arxivv": 2.0}), SIX)


def test_an_anneal_without_problems_is_refused():
    with pytest.raises(ConfigError, match="anneal"):
        plan_phases(CurriculumConfig(anneal=0.1), SIX)


@pytest.mark.parametrize(
    "wrong",
    [{"replay": 1.5}, {"anneal": -0.1}, {"weights": {"c4": -1.0}}, {"sources": ("c4", "c4")}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError):
        CurriculumConfig(**wrong)

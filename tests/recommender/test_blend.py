"""The blend: what its weights are learned from, its life, its reasons, its bundle."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest

import penchant as pc
from penchant.errors import BundleError, DataError, SettingsError, UnknownIdError, UnsupportedError
from penchant.recommender.blending.stacking import Weights
from penchant.recommender.naming import by_name
from penchant.split import fold_rows

WORLD = pc.synthetic(n_users=50, n_items=40, n_ratings=1200, factors=2, noise=0.4, seed=3)
TRAIN, TEST = pc.split(WORLD, test=0.2, seed=0)
TINY = pc.Gibbs(rank=2, sweeps=8, burn_in=3, heads=2)
GIBBS = pc.MatrixFactorization(4, TINY, seed=2)
ALS = pc.MatrixFactorization(4, pc.ALS(rank=2, sweeps=3), seed=2)
SGD = pc.MatrixFactorization(4, pc.SGD(epochs=4), seed=2)
BIAS = pc.MatrixFactorization(1, "bias")


def fit(members, **more):
    return pc.Blend(members, folds=3, seed=1).fit(TRAIN, progress=False, **more)


@pytest.fixture(scope="module")
def blend():
    return fit([GIBBS, ALS])


@pytest.fixture
def living(blend, tmp_path):
    """A copy to change."""
    blend.save(tmp_path / "living")
    return pc.open(tmp_path / "living")


@pytest.fixture(scope="module")
def mixed():
    return fit({"quick": SGD, "smooth": ALS})


class TestFit:
    def test_weights_are_learned_on_what_members_had_not_seen(self, blend):
        columns = np.empty((len(TRAIN), 2))
        for rest, part in fold_rows(len(TRAIN), 3, 1):
            held = TRAIN.take(part)
            for m, member in enumerate((GIBBS, ALS)):
                twin = pc.MatrixFactorization(**member.get_params())
                twin.fit(TRAIN.take(rest), progress=False)
                columns[part, m] = twin.predictor.predict(held.user_rows, held.item_rows, None)
        expected = Weights.of(["gibbs", "als"], columns, TRAIN.values, TRAIN.scale)
        assert blend.weights == expected

    def test_the_prediction_is_the_weighted_sum(self, blend):
        users, items = TEST.user_rows, TEST.item_rows
        total = blend.weights.constant + sum(
            part.weight * member.predictor.predict(users, items, None).astype(np.float64)
            for part, member in zip(blend.weights, blend.parts, strict=True)
        )
        np.testing.assert_allclose(
            blend.predict(TEST.users, TEST.items), TRAIN.scale.clip(total), atol=1e-5
        )

    def test_it_is_as_good_as_its_members(self, blend):
        """Better on the rows that chose its weights; on 240 others within their chance."""
        alone = min(member.evaluate(TEST).rmse for member in blend.parts)
        assert blend.evaluate(TEST).rmse < alone + 0.01
        assert blend.weights.rmse <= min(part.rmse for part in blend.weights)

    def test_members_are_copied(self, blend):
        assert not GIBBS.is_fitted
        assert blend.members[0] is GIBBS
        assert blend.parts[0] is not GIBBS

    def test_the_history_tells_of_each_member_that_came(self):
        records = []
        made = fit([BIAS, ALS], watch=TEST, validation=0.1, callbacks=[records.append])
        assert list(made.history) == records
        assert [record["member"] for record in records] == [1, 2]
        names = {"out_of_fold_rmse", "watch_rmse", "validation_rmse", "seconds"}
        assert all(names <= record.keys() for record in records)
        assert records[1]["out_of_fold_rmse"] < records[0]["out_of_fold_rmse"]
        assert records[1]["watch_rmse"] == pytest.approx(made.evaluate(TEST).rmse, rel=1e-5)
        assert made.history.plot().axes[0].get_xlabel() == "Member"

    def test_a_callback_can_stop_it(self):
        made = fit([BIAS, ALS], callbacks=[lambda record: True])
        assert [part.name for part in made.weights] == ["bias"]
        assert not made.history.interrupted

    @pytest.mark.parametrize("at", [1, 5])
    def test_ctrl_c_leaves_the_members_that_are_whole(self, monkeypatch, at):
        fitted, whole = [], pc.MatrixFactorization.fit

        def interrupted(self, *given, **more):
            fitted.append(self)
            if len(fitted) == at:
                raise KeyboardInterrupt
            return whole(self, *given, **more)

        monkeypatch.setattr(pc.MatrixFactorization, "fit", interrupted)
        made = pc.Blend([BIAS, ALS], folds=3)
        if at == 1:
            with pytest.raises(KeyboardInterrupt):
                made.fit(TRAIN, progress=False)
            assert not made.is_fitted
        else:
            made.fit(TRAIN, progress=False)
            assert made.history.interrupted
            assert [part.name for part in made.weights] == ["bias"]

    def test_a_member_that_was_interrupted_is_none(self):
        def half(record):
            raise KeyboardInterrupt

        class Slow(pc.MatrixFactorization):
            def fit(self, ratings, **more):
                return super().fit(ratings, **{**more, "callbacks": [half]})

        with pytest.raises(KeyboardInterrupt):
            fit([Slow(4, TINY)])

    def test_the_bar_counts_all_trainings(self, capsys):
        pc.Blend([BIAS], folds=3).fit(TRAIN)
        assert "4/4" in capsys.readouterr().err

    def test_times_reach_the_members_that_read_them(self):
        timed = pc.MatrixFactorization(4, pc.Gibbs(2, 8, 3, 2, contexts=("day",)), seed=2)
        made = fit([timed, ALS])
        assert made.reads_time
        pair = TRAIN.users[:1], TRAIN.items[:1]
        seen = int(TRAIN.timestamps[0])
        assert made.predict(*pair, timestamps=seen) != made.predict(*pair)
        explained = made.explain(pair[0][0], pair[1][0], timestamp=seen)
        assert explained.total == pytest.approx(explained.prediction, abs=1e-4)

    @pytest.mark.parametrize(
        ("members", "message"),
        [
            ([], "A blend needs a member; received none"),
            ("gibbs", "members must be a list of recommenders, or a mapping of names"),
            (3, "members must be a list of recommenders, or a mapping of names to them, not 3"),
            (["gibbs"], r"A blend takes recommenders such as .*, not 'gibbs'"),
            ([pc.Gibbs()], "A blend takes recommenders such as"),
            ([pc.Blend([BIAS])], "A blend can't be a member of a blend. Give its members"),
        ],
    )
    def test_members_that_make_no_sense_are_told(self, members, message):
        with pytest.raises(SettingsError, match=message):
            pc.Blend(members).fit(TRAIN, progress=False)

    def test_more_folds_than_ratings_are_told(self):
        with pytest.raises(SettingsError, match="9 folds need at least 9 ratings; there are 4"):
            pc.Blend([BIAS], folds=9).fit(TRAIN.take(range(4)), progress=False)

    def test_names_are_numbered_or_given(self):
        assert list(by_name([SGD, SGD, BIAS])) == ["sgd", "sgd (2)", "bias"]
        assert list(by_name({"a": SGD, 3: BIAS})) == ["a", "3"]


class TestIntervals:
    def test_come_from_the_members_posteriors(self, blend, mixed):
        users, items = TEST.user_rows[:50], TEST.item_rows[:50]
        each = [member.predictor.deviations(users, items) for member in blend.parts]
        shares = blend.weights.shares()
        np.testing.assert_allclose(
            blend.predictor.deviations(users, items), shares @ np.stack(each)
        )
        only = mixed.parts[1].predictor.deviations(users, items)  # SGD has no posterior
        np.testing.assert_allclose(mixed.predictor.deviations(users, items), only)

    def test_without_a_posterior_they_need_validation_rows(self):
        with pytest.raises(UnsupportedError, match="This model knows no intervals"):
            fit([BIAS, SGD]).predict(1, 1, interval=0.9)
        assert fit([BIAS, SGD], validation=0.2).predict(1, 1, interval=0.9).low < 5


class TestLife:
    def test_new_ratings_reach_every_member(self, living):
        before = living.predict([999], [1])
        told = living.add_ratings([999, 999, 1], [1, 2, 3], [5, 5, 1])
        assert (told.added + told.changed, told.users) == (3, 1)
        assert living.predict([999], [1]) > before
        assert len(living.knowledge.user_ids) == 51
        assert {int(m.knowledge.user_counts[51]) for m in living.parts} == {2}

    def test_adding_and_removing_leaves_the_same_bits(self, living):
        before = living.predict(TEST.users, TEST.items)
        living.add_ratings([999], [1], [5])
        assert (living.predict(TEST.users, TEST.items) == before).mean() > 0.5
        assert living.remove_ratings([999], [1]).removed == 1
        np.testing.assert_array_equal(living.predict(TEST.users, TEST.items), before)

    def test_where_one_refuses_none_changes(self, living, monkeypatch):
        before = living.predict(TEST.users, TEST.items)
        with pytest.raises(DataError):
            living.add_ratings([999], [1], [77])
        monkeypatch.setattr(living.parts[1], "add_ratings", lambda *a, **k: 1 / 0, raising=False)
        with pytest.raises(ZeroDivisionError):
            living.add_ratings([999], [1], [5])
        assert [len(m.knowledge.user_ids) for m in living.parts] == [50, 50]
        np.testing.assert_array_equal(living.predict(TEST.users, TEST.items), before)

    def test_whoever_is_forgotten_is_so_in_every_member(self, living):
        told = living.forget(7)
        assert told.ratings == int((TRAIN.user_rows == TRAIN.user_ids.rows([7])[0]).sum())
        assert {name.split(": ")[0] for name in told.before} == {"gibbs", "als"}
        assert told.remains[-1].startswith("the weights of the blend's members")
        for known in (living.knowledge, *(m.knowledge for m in living.parts)):
            assert len(known.user_ids) == 49
        with pytest.raises(UnknownIdError, match="knows no user 7"):
            living.forget(7)

    def test_what_has_changed_is_saved(self, living, tmp_path):
        living.add_ratings([999], [1], [5])
        living.save(tmp_path / "after")
        opened = pc.open(tmp_path / "after")
        assert opened.predict(999, 2) == living.predict(999, 2)
        assert opened.remove_ratings([999], [1]).users == 1

    @pytest.mark.parametrize("ask", ["add_ratings", "remove_ratings", "forget", "explain"])
    def test_a_member_that_cannot_is_named(self, mixed, monkeypatch, ask):
        class Bare:
            predictor = None

        members = (Bare(), mixed.parts[1])
        other = dataclasses.replace(mixed.predictor, members=members)
        monkeypatch.setattr(mixed, "_predictor", other)
        given = {"add_ratings": ([1], [1], [3]), "remove_ratings": ([1], [1]), "forget": (1,)}
        message = rf"A blend can {ask} where all of its members can, and 'quick', a Bare, can't"
        with pytest.raises(UnsupportedError, match=message):
            getattr(mixed, ask)(*given.get(ask, (1, 1)))


class TestExplain:
    @pytest.mark.parametrize("pair", [(1, 1), (3, 5), (999, 2), (2, 999)])
    def test_terms_are_the_weighted_terms_of_members(self, blend, pair):
        told = blend.explain(*pair)
        assert told.total == pytest.approx(told.prediction, abs=1e-4)
        each = [member.explain(*pair) for member in blend.parts]
        for kind in ("mean", "severity", "quality", "prior"):
            found = [sum(t.share for t in one.terms if t.kind == kind) for one in (told, *each)]
            weighted = sum(
                part.weight * share for part, share in zip(blend.weights, found[1:], strict=True)
            )
            assert found[0] == pytest.approx(weighted, abs=1e-6)
        assert told.terms[-1].share == blend.weights.constant
        by_term = sum(term.share for term in told.terms if term.kind == "ratings")
        assert sum(reason.share for reason in told.reasons) == pytest.approx(by_term, abs=1e-6)
        pulls = [abs(reason.share) for reason in told.reasons]
        assert pulls == sorted(pulls, reverse=True)

    def test_another_rating_is_answered_by_all_members(self, blend):
        told = blend.explain(1, 2)
        rated = told.reasons[0].item
        weighted = blend.weights.constant + sum(
            part.weight * member.explain(1, 2).would_be(rated, 1.0)
            for part, member in zip(blend.weights, blend.parts, strict=True)
        )
        assert told.would_be(rated, 1.0) == pytest.approx(weighted)
        assert "Had you given" in str(told)

    def test_a_member_without_a_posterior_leaves_that_open(self, mixed):
        told = mixed.explain(1, 2)
        assert told.total == pytest.approx(told.prediction, abs=1e-4)
        assert any(term.kind == "learned" for term in told.terms)
        assert any("Trained by SGD" in note for note in told.notes)
        with pytest.raises(UnsupportedError, match="can't tell what another rating would change"):
            told.would_be(told.reasons[0].item, 1.0)

    def test_a_member_on_another_scale_is_named(self, blend, monkeypatch):
        def elsewhere(*pair, timestamp=None):
            import dataclasses

            told = pc.MatrixFactorization.explain(blend.parts[1], *pair)
            return dataclasses.replace(told, prediction=told.prediction + 1)

        monkeypatch.setattr(blend.parts[1], "explain", elsewhere, raising=False)
        with pytest.raises(UnsupportedError, match=r"The terms of 'als' sum on a scale of their"):
            blend.explain(1, 2)


def edit(folder, change):
    """Change the card, and seal it again as a clever attacker does."""
    card = json.loads((folder / "card.json").read_bytes())
    change(card)
    card["sha256"] = "0" * 64
    raw = json.dumps(card, indent=1, ensure_ascii=False).encode()
    digest = hashlib.sha256(raw).hexdigest().encode()
    (folder / "card.json").write_bytes(raw.replace(b"0" * 64, digest, 1))


def nested(card):
    members = card["members"]
    card["members"] = [{"kind": "blend", "card": {**card, "members": members}}, members[1]]


class TestBundle:
    @pytest.fixture
    def folder(self, mixed, tmp_path):
        mixed.save(tmp_path / "mixed")
        return tmp_path / "mixed"

    def test_names_and_weights_are_kept(self, mixed, folder):
        opened = pc.open(folder)
        assert opened.weights == mixed.weights
        assert list(opened.members) == ["quick", "smooth"]
        assert [type(m) for m in opened.parts] == [type(m) for m in mixed.parts]
        np.testing.assert_array_equal(
            opened.predict(TEST.users, TEST.items), mixed.predict(TEST.users, TEST.items)
        )

    def test_a_member_without_a_posterior_has_none_when_opened(self, folder):
        opened = pc.open(folder)
        assert opened.parts[0].posterior is None
        assert opened.parts[1].posterior is not None

    def test_intervals_are_kept(self, tmp_path):
        made = fit([SGD, ALS], validation=0.2)
        made.save(tmp_path / "m")
        opened = pc.open(tmp_path / "m")
        for one, other in zip(
            opened.predict(1, [1, 2], interval=0.8), made.predict(1, [1, 2], interval=0.8),
            strict=True,
        ):  # fmt: skip
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (nested, r"member 0 of the blend is no recommender, or is a blend itself"),
            (lambda c: c["members"][0].update(kind=3), "member 0 of the blend is no recommender"),
            (lambda c: c["members"][0].update(card=[]), "member 0 of the blend is no recommender"),
            (lambda c: c["members"].insert(0, 3), "2 weights|member 0"),
            (lambda c: c["members"].pop(), "holds 1 members of a blend and 2 weights"),
            (lambda c: c["members"][0].update(kind="nix"), "a recommender of kind 'nix'"),
            (lambda c: c["members"][0]["card"].pop("mean"), "mean should be a finite number"),
            (lambda c: c["members"].append(c["members"][0]), "3 members of a blend|weights should"),
            (lambda c: c.update(members={}), "members should be a list"),
            (lambda c: c.update(settings=[]), "settings should be a dict"),
            (lambda c: c["settings"].update(folds="x"), r"settings are \{'folds': 'x'"),
            (lambda c: c["settings"].pop("seed"), r"settings are \{'folds': 3\}"),
            (lambda c: c.update(blend=3), "The weights of a blend are damaged"),
            (lambda c: c["blend"]["parts"][0].update(weight=-1), "weights of a blend are damaged"),
        ],
    )
    def test_nonsense_in_a_sealed_card_is_refused(self, folder, change, message):
        edit(folder, change)
        with pytest.raises(BundleError, match=message):
            pc.open(folder)

    def test_arrays_of_a_member_have_the_ids_rows(self, mixed, folder):
        from penchant.storage import bundle

        opened = bundle.read(folder)
        opened.weights["member_0.user_bias"] = np.zeros(3, np.float32)
        with pytest.raises(BundleError, match=r"user_bias is of shape \(3,\), but there are 51"):
            opened.section("member_0.", "matrix_factorization", {})

    def test_a_flipped_byte_is_found(self, folder):
        file = folder / "posterior.safetensors"
        raw = bytearray(file.read_bytes())
        raw[-3] ^= 1
        file.write_bytes(raw)
        opened = pc.open(folder)  # the posterior is read when it is asked for
        with pytest.raises(BundleError, match="it was changed after it was written"):
            opened.explain(1, 1)


@pytest.mark.slow
def test_the_usual_members_are_better_than_the_sampler():
    ratings = pc.synthetic(n_users=200, n_items=120, n_ratings=6000, factors=3, noise=0.6, seed=1)
    train, test = pc.split(ratings, test=0.2, seed=0)
    made = pc.Blend(folds=2).fit(train, progress=False)
    sampler = pc.MatrixFactorization().fit(train, progress=False)
    assert made.evaluate(test).rmse < sampler.evaluate(test).rmse + 0.001

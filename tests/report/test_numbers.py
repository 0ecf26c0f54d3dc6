"""The numbers of each section against their definition, computed another way."""

import dataclasses
import html
import json
import math

import numpy as np
import pytest

import penchant as pc
from penchant.report import report
from penchant.report.numbers import data as data_module
from penchant.report.numbers.certainty import LEVELS
from penchant.report.numbers.tested import groups


def test_they_are_json(told):
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_scores_are_those_of_evaluate(told, model, parts, predicted):
    errors = told["errors"]
    scores = model.evaluate(parts[1])
    assert {name: errors[name] for name in scores} == {
        **scores, "interval": list(scores.interval)
    }  # fmt: skip
    apart = np.abs(parts[1].values - predicted)
    assert errors["rmse"] == pytest.approx(math.sqrt((apart**2).mean()))
    assert errors["half_within"] == pytest.approx(np.median(apart))
    assert (apart <= errors["most_within"] + 1e-9).mean() == pytest.approx(0.9, abs=0.01)


def test_the_bars_to_beat(told, model, parts):
    train, test = model.knowledge.ratings, parts[1]
    mean = float(train.values.mean(dtype=float))
    wanted = math.sqrt(((test.values.astype(float) - mean) ** 2).mean())
    assert told["errors"]["mean_rmse"] == pytest.approx(wanted)
    bias = pc.MatrixFactorization(1, "bias").fit(train, progress=False)
    assert told["errors"]["bias_rmse"] == pytest.approx(bias.evaluate(test).rmse)


@pytest.mark.parametrize(("name", "side"), [("by_activity", "user"), ("by_popularity", "item")])
def test_rmse_by_group(told, model, parts, predicted, name, side):
    train, test = model.knowledge.ratings, parts[1]
    counts = np.bincount(getattr(train, f"{side}_rows"), minlength=100)
    mine = counts[getattr(test, f"{side}_rows")]
    found = told["errors"][name]
    assert sum(group["n"] for group in found) == len(test)
    for group in found:
        at = (mine >= group["low"]) & (mine <= group["high"])
        apart = test.values[at] - predicted[at]
        assert group["n"] == at.sum()
        assert group["rmse"] == pytest.approx(math.sqrt((apart**2).mean()))
        assert group["interval"][0] <= group["rmse"] <= group["interval"][1]
    bias = pc.MatrixFactorization(1, "bias").fit(train, progress=False)
    other = test.values - bias.predict(test.users, test.items)
    squares = sum(group["bias_rmse"] ** 2 * group["n"] for group in found)
    assert squares == pytest.approx((other.astype(float) ** 2).sum(), rel=1e-5)


def test_groups_hold_each_row_once_in_order():
    counts = np.random.default_rng(0).integers(0, 50, 500).astype(np.int32)
    found = groups(counts)
    assert sorted(np.concatenate(found).tolist()) == list(range(500))
    assert set(counts[found[0]]) == {0}
    tops = [counts[rows].max() for rows in found]
    assert tops == sorted(tops)
    sizes = [len(rows) for rows in found[1:]]
    assert max(sizes) < 1.5 * min(sizes)
    assert [rows.tolist() for rows in groups(np.zeros(2, np.int32))] == [[0, 1]]
    assert [rows.tolist() for rows in groups(np.full(3, 7, np.int32))] == [[0, 1, 2]]


def test_calibration_is_that_of_predicted_intervals(told, model, parts):
    test = parts[1]
    found = told["calibration"]
    assert [entry["level"] for entry in found["levels"]] == list(LEVELS)
    assert (found["method"], found["rows"]) == ("conformal", 112)
    active = model.knowledge.user_counts[test.user_rows]
    quiet = active <= np.quantile(active, 0.25)
    for entry in found["levels"]:
        _, low, high = model.predict(test.users, test.items, interval=entry["level"])
        inside = (test.values >= low) & (test.values <= high)
        assert entry["inside"] == pytest.approx(inside.mean())
        assert entry["least_active"] == pytest.approx(inside[quiet].mean())
        assert entry["width"] == pytest.approx((high - low).mean(), rel=1e-5)
        assert entry["interval"][0] <= entry["inside"] <= entry["interval"][1]
    assert found["off"] == max(abs(e["inside"] - e["level"]) for e in found["levels"])


def test_residuals(told, parts, predicted):
    truth = parts[1].values.astype(float)
    errors = truth - predicted
    found = told["residuals"]
    assert found["all"]["mean"] == pytest.approx(errors.mean())
    assert [group["low"] for group in found["by_actual"]] == np.unique(truth).tolist()
    for group in found["by_actual"]:
        mine = errors[truth == group["low"]]
        assert group["n"] == len(mine)
        assert group["median"] == pytest.approx(np.median(mine))
        assert group["q90"] == pytest.approx(np.quantile(mine, 0.9))
    last = found["by_predicted"][-1]["high"]
    for group in found["by_predicted"]:
        top = predicted <= last if group["high"] == last else predicted < group["high"]
        mine = errors[(predicted >= group["low"]) & top]
        assert (group["n"], group["mean"]) == (len(mine), pytest.approx(mine.mean()))
    assert sum(group["n"] for group in found["by_predicted"]) == len(truth)


def test_extremes(told, parts, predicted, model):
    test, found = parts[1], told["extremes"]
    apart = np.abs(test.values - predicted)
    worst = [abs(entry["rating"] - entry["predicted"]) for entry in found["worst"]]
    assert worst == pytest.approx(np.sort(apart)[::-1][:8])
    best = [abs(entry["rating"] - entry["predicted"]) for entry in found["best"]]
    assert best == pytest.approx(np.sort(apart)[:8])
    for entry in found["worst"]:
        assert model.predict(entry["user"], entry["item"])[0] == pytest.approx(entry["predicted"])
        at = (np.array(test.users) == entry["user"]) & (np.array(test.items) == entry["item"])
        assert test.values[at].tolist() == [entry["rating"]]
    by_item = {}
    for item, error in zip(test.items, test.values - predicted, strict=True):
        by_item.setdefault(item, []).append(float(error))
    rmse = {i: math.sqrt(np.mean(np.square(e))) for i, e in by_item.items() if len(e) >= 10}
    assert found["items_best"][0]["item"] == min(rmse, key=rmse.get)
    assert found["items_worst"][0]["item"] == max(rmse, key=rmse.get)
    for entry in found["items_best"] + found["items_worst"]:
        assert entry["rmse"] == pytest.approx(rmse[entry["item"]])
        assert entry["n"] == len(by_item[entry["item"]])


def test_data_counts_what_there_is(told, world, model):
    found = told["data"]
    assert (found["ratings"], found["training"], found["tested"]) == (1400, 1008, 280)
    values, counts = np.unique(world.values, return_counts=True)
    assert [entry["low"] for entry in found["histogram"]] == values.tolist()
    assert [entry["n"] for entry in found["histogram"]] == counts.tolist()
    by_user = np.bincount(world.user_rows)[1:]
    for entry in found["activity"]["bins"]:
        assert entry["n"] == ((by_user >= entry["low"]) & (by_user <= entry["high"])).sum()
    assert sum(entry["n"] for entry in found["activity"]["bins"]) == (by_user > 0).sum()
    assert found["popularity"]["most"] == np.bincount(world.item_rows).max()
    assert [f["kind"] for f in found["findings"]] == [f.kind for f in pc.datacheck(world)]
    assert found["dates"][0] == str(world.timestamps.min().astype("datetime64[s]"))[:10]


def test_many_values_are_counted_in_ranges(world):
    rng = np.random.default_rng(0)
    fine = dataclasses.replace(world, values=rng.uniform(1, 5, len(world)).astype(np.float32))
    bins = data_module._histogram(fine)
    assert len(bins) == 20
    assert sum(entry["n"] for entry in bins) == len(world)
    assert (bins[0]["low"], bins[-1]["high"]) == (1, 5)


def test_large_tables_are_not_checked(world, monkeypatch):
    monkeypatch.setattr(data_module, "_MOST_CHECKED", 100)
    assert "penchant data <b>films</b> --check" in data_module._findings(world)["left_out"]


def test_curves_are_those_of_the_history(told, model):
    found = told["training"]
    assert (found["round"], found["rounds"]) == ("sweep", list(map(float, range(1, 13))))
    by_name = {curve["name"]: curve["rmse"] for curve in found["curves"]}
    assert list(by_name) == ["train_rmse", "validation_rmse", "watch_rmse"]
    assert by_name["watch_rmse"] == model.history.column("watch_rmse").tolist()


def test_the_network_is_that_of_the_factors(told, model):
    found = told["network"]
    trained = model.trained
    assert found["users"] == len(trained.user_bias)
    assert found["items"] == len(trained.item_bias)
    assert found["factors"] == trained.n_factors
    assert found["parameters"] == sum(a.size for a in trained.arrays().values()) - 1


def test_people_get_what_recommend_gives(told, model):
    shown = told["people"]["users"]
    counts = model.knowledge.user_counts
    assert next(entry["ratings"] for entry in shown) == counts.max()
    assert shown[2]["ratings"] == counts[counts > 0].min()
    assert shown[3]["user"] is None
    for entry in shown:
        user = -1 if entry["user"] is None else entry["user"]
        for one, wanted in zip(entry["items"], model.recommend(user, 5, interval=0.9), strict=True):
            assert {k: one[k] for k in wanted._fields} == wanted._asdict()
            explained = model.explain(user, one["item"])
            assert sum(t["share"] for t in one["terms"]) == pytest.approx(explained.total)
            assert [r["item"] for r in one["reasons"]] == [r.item for r in explained.reasons[:3]]
    assert shown[3]["items"][0]["reasons"] == []


def test_chosen_people(model, world):
    users = report(model, source=world, users=[3, 999]).numbers["people"]["users"]
    assert [entry["user"] for entry in users] == [3, 999]
    assert users[1]["ratings"] == 0


def test_the_map_is_that_of_places(told, model):
    from penchant.recommender.places import places

    found, wanted = told["map"], places(model, most=500).to_json()
    assert {name: found[name] for name in wanted} == wanted
    train = model.knowledge.ratings
    item = found["items"][0]
    mine = train.values[np.array(train.items) == item]
    assert found["mean_rating"][0] == pytest.approx(mine.mean(), rel=1e-6)
    left, right = found["ends"][0]
    assert found["x"][left[0]] == min(found["x"])
    assert found["x"][right[0]] == max(found["x"])


def test_the_comparison_is_of_the_trained_model(told, model, parts):
    found = told["comparison"]
    by_name = {entry["name"]: entry for entry in found["models"]}
    assert list(by_name) == ["bias", "gibbs"]
    assert found["mine"] == "gibbs"
    assert by_name["gibbs"]["rmse"] == pytest.approx(model.evaluate(parts[1]).rmse)
    compared = pc.compare(
        [model], model.knowledge.ratings, parts[1], progress=False, seed=0
    ).to_json()
    bias = {k: v for k, v in compared["models"][0].items() if k in by_name["bias"]}
    assert by_name["bias"] == bias
    assert by_name["gibbs"]["rmse_interval"][0] < by_name["gibbs"]["rmse"]


def test_the_chapters_network_joins_when_asked(model, world, monkeypatch):
    from penchant.solvers.keras.solver import Keras

    quick = dataclasses.replace(Keras.chapter(), epochs=1)
    monkeypatch.setattr(Keras, "chapter", staticmethod(lambda: quick))
    made = report(model, source=world, chapter=True)
    assert "chapter's network" in html.unescape(made.to_html())
    found = made.numbers["comparison"]
    assert [entry["name"] for entry in found["models"]] == ["bias", "gibbs", "chapter's network"]
    assert found["mine"] == "gibbs"
    assert len(found["tests"]) == 6


def test_the_summary_repeats_the_sections(told):
    summary, errors = told["summary"], told["errors"]
    assert (summary["rmse"], summary["n"]) == (errors["rmse"], 280)
    test = next(t for t in told["comparison"]["tests"] if t["measure"] == "rmse")
    assert summary["against_bias"]["difference"] == pytest.approx(
        errors["rmse"] - errors["bias_rmse"]
    )
    assert summary["against_bias"]["p"] == test["p_corrected"]
    low, high = summary["against_bias"]["interval"]
    assert low < summary["against_bias"]["difference"] < high
    assert summary["level"]["level"] == 0.9


def test_settings_and_commands(told, model):
    found = told["settings"]
    assert found["values"]["solver.rank"] == 2
    assert found["fit"] == (
        "penchant fit films.csv --settings settings.json --test 0.2 --seed 11 --validation 0.1 "
        "--out BUNDLE"
    )
    assert found["file"]["settings"]["solver"]["settings"]["sweeps"] == 12
    assert found["report"] == "penchant report BUNDLE films.csv"


def test_usual_settings_need_no_file(parts, model):
    plain = pc.MatrixFactorization(5, "sgd", seed=11)
    plain.fit(parts[0], progress=False).note(model.provenance)
    found = report(plain, bundle="a b.penchant").numbers["settings"]
    assert found["file"] is None
    assert found["fit"] == (
        "penchant fit films.csv --solver sgd --factors 5 --test 0.2 --seed 11 --validation 0.1 "
        "--out 'a b.penchant'"
    )


def test_the_card_tells_where_the_model_is_from(told, model):
    origin = told["card"]["provenance"]
    assert origin["fingerprint"] == model.knowledge.ratings.fingerprint()
    assert (origin["source"], origin["seed"]) == ("films.csv", 11)
    assert origin["trained_with"]["penchant"] == pc.__version__
    assert origin["recorded_rmse"] == pytest.approx(told["errors"]["rmse"])
    assert "ask whoever gave them" in told["card"]["licence"]


def test_a_named_set_has_its_terms(parts):
    named = dataclasses.replace(parts[0], name="ml-100k")
    model = pc.MatrixFactorization(1, "bias").fit(named, progress=False)
    assert "GroupLens" in report(model).numbers["card"]["licence"]


def test_without_test_rows_nothing_is_a_test_figure(model):
    told = report(model).numbers
    for name in ("errors", "calibration", "residuals", "extremes", "comparison"):
        assert told[name] == {"left_out": told["summary"]["missing"]}
    assert "rmse" not in told["summary"]
    assert told["summary"]["recorded"]["rmse"] == model.provenance.rmse
    assert told["data"]["of"] == "the training ratings, which the bundle holds"
    assert told["data"]["ratings"] == told["data"]["training"] == 1008
    assert "left_out" not in told["map"]
    assert "left_out" not in told["people"]


def test_without_ratings_what_needs_them_is_left_out(model, tmp_path):
    model.save(tmp_path / "a.penchant", ratings=False)
    told = report(pc.open(tmp_path / "a.penchant")).numbers
    assert "isn't in the bundle" in told["people"]["left_out"]
    assert "aren't in the bundle" in told["data"]["histogram"]["left_out"]
    assert told["data"]["ratings"] == 1008
    assert told["map"]["mean_rating"] is None
    assert told["card"]["ratings_saved"] is False


def test_without_ratings_test_rows_still_judge(model, parts, tmp_path):
    model.save(tmp_path / "a.penchant", ratings=False)
    told = report(pc.open(tmp_path / "a.penchant"), test=parts[1]).numbers
    assert told["errors"]["rmse"] == pytest.approx(model.evaluate(parts[1]).rmse)
    assert "bias_rmse" not in told["errors"]
    assert "left_out" in told["comparison"]


def test_the_bias_model_has_no_map_and_nobody_to_beat(parts):
    train, test = parts
    told = report(pc.MatrixFactorization(1, "bias").fit(train, progress=False), test=test).numbers
    assert "knows no taste" in told["map"]["left_out"]
    assert "is the bias model" in told["comparison"]["left_out"]
    assert "gives no intervals" in told["calibration"]["left_out"]
    assert told["people"]["interval"] is None
    assert "left_out" in told["training"]


def test_one_user_cannot_compare(parts):
    train, test = parts
    model = pc.MatrixFactorization(2, "als").fit(train, progress=False)
    one = test.take(np.flatnonzero(test.user_rows == test.user_rows[0]))
    told = report(model, test=one).numbers
    assert "one user's" in told["comparison"]["left_out"]
    assert told["errors"]["n"] == len(one)


def test_fine_values_are_grouped(parts):
    train, test = parts
    rng = np.random.default_rng(0)
    fine = [
        dataclasses.replace(part, values=rng.uniform(1, 5, len(part)).astype(np.float32))
        for part in (train, test)
    ]
    model = pc.MatrixFactorization(2, "als").fit(fine[0], progress=False)
    found = report(model, test=fine[1]).numbers["residuals"]["by_actual"]
    assert len(found) == 8
    assert sum(group["n"] for group in found) == len(test)

"""A table of ratings that isn't tidy: load, check, split, train, judge, save.

python examples/tutorials/own_data.py
"""

# %% [markdown]
# # 2 Your own data
#
# Tables of ratings are seldom as tidy as MovieLens. This tutorial takes one that isn't, through
# loading, a check, a fair split, training and judging, to a saved model. It takes a few seconds:
#
# ```sh
# python examples/tutorials/own_data.py
# ```
#
# ## A table from a shop
#
# A shop for board games exports what its customers think. So that you can run this anywhere, the
# first lines make such an export, from ratings whose truth is drawn at random: 400 customers, 120
# games. It has what exports have: a header that nobody chose for us, semicolons and decimal commas,
# an old encoding, days before months, half stars, "0" where a customer bought and said nothing,
# customers who rated a game twice, and one who gives everything five stars.

# %%
from datetime import timedelta
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import penchant as pc
from penchant.errors import DataError

WORDS = (
    "Silent Golden Broken Hidden Last Little Red Stone Winter Wild Lost Second",
    "Harbour Empire Garden Market Château Road Island Café Forest Orbit",
)
KINDS, THINGS = (line.split() for line in WORDS)


def export(path):
    """Write the shop's ratings, and the names of its games beside them."""
    made = pc.synthetic(400, 120, 9000, factors=3, noise=0.6, seed=3, step=0.5)
    rng = np.random.default_rng(3)
    when = made.timestamps.astype("datetime64[s]").astype(object)
    rows = [
        (f"K{user:03}", f"G{item:03}", f"{value:.1f}", f"{time:%d.%m.%Y %H:%M}")
        for user, item, value, time in zip(made.users, made.items, made.values, when, strict=True)
    ]
    for row in rng.choice(9000, 3000, replace=False):  # bought, and said nothing
        rows.append((rows[row][0], f"G{rng.integers(1, 126):03}", "0.0", rows[row][3]))
    for row in rng.choice(9000, 400, replace=False):  # a second opinion, four weeks later
        value = np.clip(made.values[row] + rng.choice([-1, -0.5, 0, 0, 0.5, 1]), 1, 5)
        later = when[row] + timedelta(days=28)
        rows.append((*rows[row][:2], f"{value:.1f}", f"{later:%d.%m.%Y %H:%M}"))
    rows += [("K999", f"G{item:03}", "5.0", "24.12.2021 18:00") for item in range(1, 41)]
    lines = [";".join((user, item, value.replace(".", ","), on)) for user, item, value, on in rows]
    path.write_text("Cust;Art;Verdict;On\n" + "\n".join(lines), encoding="cp1252")
    names = [f"G{i + 1:03};{KINDS[i % 12]} {THINGS[i // 12]}" for i in range(120)]
    names += [f"G{121 + i};Brand New {THINGS[i]}" for i in range(5)]
    Path("games.csv").write_text("Art;title\n" + "\n".join(names), encoding="cp1252")


path = Path("shop.csv")
export(path)
print("\n".join(path.read_text(encoding="cp1252").split("\n")[:4]))

# %% [markdown]
# ## Loading
#
# `pc.load` needs no options for most files. Where it can't know, it asks instead of guessing:


# %%
def attempt(**options):
    """Load the export, and print what was taken for what, or what is asked."""
    try:
        ratings = pc.load(path, quiet=True, **options)
    except DataError as error:
        print(f"{type(error).__name__}: {error}")
        return None
    print(*ratings.notices, sep="\n")
    return ratings


attempt()

# %% [markdown]
# A third of the entries are 0, and nothing lies between 0 and 1. Taken as ratings, these zeros
# would be learned as the worst that can be said of a game. So there is a question, and the answer
# to it. `items=` gives the games their names.

# %%
ratings = attempt(unrated=0, items="games.csv")
print(ratings)

# %% [markdown]
# The lines are `ratings.notices`; without `quiet=True` they go to standard error. Read them: they
# say which column was taken for what, in a header that has no usual name in it, that commas are
# decimal, that days stand before months, and that of two opinions the newer one counts. What is
# taken wrongly can be said: `columns={"rating": "Verdict"}`, `separator=`, `encoding=`,
# `duplicates="mean"`. [Data](../data.md) has them all.
#
# ## A check before any model
#
# Some faults no model mends, and some make a model look better than it is.

# %%
found = pc.datacheck(ratings)
print(found)

# %% [markdown]
# What is worth knowing here:
#
# - **suspects** names K999, who gives one value only. Suspicion is no proof, and one such customer
#   in four hundred does no harm. Many would.
# - **repeats** and **floor**: people who rated a game twice don't agree with themselves. No model
#   can be more exact on single ratings than people are.
# - **severities**: how mild customers are and how good games are explains a third of the variance.
#   A model of these two alone is the bar that the next section sets.
# - **splits** warns of one way to test: among the newest 20 % nearly every rating is by somebody
#   new. We come back to it.
#
# ## Split, train, compare
#
# A fifth of the ratings, at random, is the test, and nothing is chosen by it. The model gets the
# rest; `validation=0.1` keeps a tenth of that out of the training, to calibrate the intervals.
#
# Beside it stands the bias model, `mean + b_u + b_i`: a number for each customer, a number for each
# game, and no idea of who likes what. What a model gains over *it* is what its factors are worth.

# %%
train, test = pc.split(ratings, test=0.2, seed=2021)
model = pc.MatrixFactorization().fit(train, validation=0.1, progress=False)
bias = pc.MatrixFactorization(solver="bias").fit(train, progress=False)
print(model.evaluate(test), end="\n\n")
print(f"RMSE of the bias model: {bias.evaluate(test).rmse:.4f}")

# %% [markdown]
# Is the difference chance? Both models meet the same customers, so it is known far better than
# either figure. `pc.compare` trains both afresh and tests it, user by user:

# %%
comparison = pc.compare([pc.MatrixFactorization()], train, test, progress=False)
(pair,) = comparison.against("bias", "rmse")
low, high = pair.interval
print(f"RMSE, {pair.model} less {pair.other}: {pair.difference:.4f}, from {low:.4f} to {high:.4f}")
print(f"p = {pair.p:.4f}, significant: {pair.significant}")

# %% [markdown]
# Where `significant` is False, don't speak of a difference. `print(comparison)` shows more: lists
# of recommendations are judged too, and the same figures by the conventions of other libraries.
# [Comparing models fairly](../compare.md) explains that table.
#
# ## Strangers and cold rows
#
# The split above drew ratings at random, so the model knew almost everybody. Is that what your
# service will meet? The other extreme is to train on the past and test on the newest ratings:

# %%
past, future = pc.split(ratings, how="time", test=0.2)
later = pc.MatrixFactorization().fit(past, validation=0.1, progress=False)
print(later.evaluate(future), end="\n\n")
biased = pc.MatrixFactorization(solver="bias").fit(past, progress=False)
print(f"RMSE of the bias model: {biased.evaluate(future).rmse:.4f}")

figure = Figure(figsize=(7, 1.9), dpi=200, layout="constrained")
axes = figure.subplots()
for place, (plain, full, rows) in enumerate([(bias, model, test), (biased, later, future)]):
    start, end = plain.evaluate(rows).rmse, full.evaluate(rows).rmse
    axes.annotate("", (end, place), (start, place), arrowprops={"arrowstyle": "->", "lw": 2})
    axes.text(start + 0.005, place, "bias model", va="center")
    axes.text(end - 0.005, place, "with factors", va="center", ha="right", color="#0072b2")
axes.set(xlim=(0.6, 1), ylim=(1.6, -0.6), xlabel="test RMSE, lower is better")
axes.set(yticks=[0, 1], yticklabels=["random split", "newest 20 %"])
axes.spines[["top", "right", "left"]].set_visible(False)
figure.savefig("tutorial-splits.png")

# %% [markdown]
# ![At random, the factors take the RMSE from 0.80 to 0.70; on the newest ratings only from 0.90 to
# 0.88](../images/tutorial-splits.png)
#
# The same kind of model, other figures, and little of the gain is left. Nothing is broken. Two
# lines say what happened:
#
# - **of cold rows** counts ratings whose user or game is known by id, but has no training ratings.
#   (The ids are known because both parts are views of one table.) **Of strangers** counts ids that
#   the model has never seen at all. Both are answered, with what holds for everyone, and both
#   count.
# - **RMSE of those** and **RMSE of the rest** are the two groups apart.
#
# In this shop, customers come, rate for a few days, and stay away, so the future consists of new
# ones. If yours is like that, what matters is how quickly a model gets to know somebody; that is
# the [third tutorial](3-newcomer.md). So a single RMSE without its split says little, and one
# without its cold rows says less.
#
# ## How sure is it?
#
# A prediction is a number with a width. These are the intervals that should hold nine in ten
# ratings; for an ordinary pair, for a game that nobody has rated yet (G121), and for somebody
# unknown:

# %%
user = test.users[0]
told = model.predict([user, user, "K777"], ["G001", "G121", "G001"], interval=0.9)
for who, rating, low, high in zip(["ordinary", "new game", "stranger"], *told, strict=True):
    print(f"{who:9} {rating:.2f}  from {low:.2f} to {high:.2f}, {high - low:.2f} wide")

rating, low, high = model.predict(test.users, test.items, interval=0.9)
inside = np.mean((low <= test.values) & (test.values <= high))
print(f"\nof {len(test):,} test ratings {inside:.1%} lie inside")

# %% [markdown]
# What is known less has wider intervals, and the promise is kept on ratings that neither the
# training nor the calibration saw. [Reasons and intervals](../intervals.md) has the figures by
# group.
#
# ## Save and open

# %%
model.save("shop.penchant")
print(*sorted(file.name for file in Path("shop.penchant").iterdir()), sep="\n")

opened = pc.open("shop.penchant")
print(opened.recommend(user, n=5, by="low"))
print("the same predictions:", bool(np.all(opened.predict(test.users, test.items) == rating)))

# %% [markdown]
# A bundle is a folder of numbers and text. There is no code in it and no pickle, so a bundle from
# somebody else can be opened without fear; sizes and checksums are verified first. Its `card.json`
# says what it was trained on and how.
#
# On the command line, all of this is
#
# ```sh
# penchant data shop.csv --check --unrated 0
# penchant compare shop.csv --unrated 0
# penchant fit shop.csv --unrated 0 --items games.csv --out shop.penchant
# penchant recommend shop.penchant K036 --by low
# ```
#
# [3 A newcomer](3-newcomer.md) goes on from here.
